import {createHash} from 'node:crypto';
import type {IncomingHttpHeaders} from 'node:http';
import type {Duplex} from 'node:stream';
import {WinchError} from '../errors.ts';
import {type ClientStream, createClientStream} from './client-stream.ts';
import {closeFrame, dataFrame, readFrames} from './web-socket-frames.ts';

/** RFC 6455 §1.3 */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const KEY = /^[A-Za-z0-9+/]{22}==$/;
const NORMAL_CLOSURE = 1000;

/**
 * The key of a request for a web socket. A page of another site has nothing to say here, though its browser may connect.
 *
 * @throws {WinchError} `WEB_SOCKET_REFUSED`
 * @see RFC 6455 §4.2.1
 */
export function readWebSocketKey(headers: IncomingHttpHeaders): string {
  const key = headers['sec-websocket-key'] ?? '';
  if (headers.upgrade?.toLowerCase() !== 'websocket' || !KEY.test(key) || headers['sec-websocket-version'] !== '13') {
    throw refused('this is for web sockets (RFC 6455) alone', 'invalid');
  }
  const {origin, host} = headers;
  if (origin !== undefined && hostOf(origin) !== host) throw refused('pages of another site may not connect', 'denied');
  return key;
}

/** What a server answers to it, without the first line. */
export const webSocketHead = (key: string): readonly string[] => [
  'Upgrade: websocket',
  'Connection: Upgrade',
  `Sec-WebSocket-Accept: ${createHash('sha1').update(`${key}${GUID}`).digest('base64')}`,
];

/** The client at the other end of a connection that has become a web socket: bytes in messages, which may end anywhere. */
export function createWebSocketClient(connection: Duplex): ClientStream {
  const bare = createClientStream(connection);
  const input = readFrames(bare.input(), (frame) => void connection.write(frame));
  return {
    input: () => input,
    // Its pings are answered all the same.
    ignoreInput: () => void readAll(input).catch(() => connection.destroy()),
    write: (bytes) => bare.write(dataFrame(bytes)),
    end: () => {
      if (connection.writable) connection.write(closeFrame(NORMAL_CLOSURE));
      bare.end();
    },
  };
}

async function readAll(source: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of source);
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}

const refused = (message: string, kind: 'invalid' | 'denied') =>
  new WinchError('WEB_SOCKET_REFUSED', message, {kind, hint: 'attach with Upgrade: tcp instead'});
