import {once} from 'node:events';
import {request as startRequest} from 'node:http';
import {connect, type Socket} from 'node:net';

export interface Hijacked {
  readonly socket: Socket;
  readonly contentType: string;
}

const HEADERS = {Connection: 'Upgrade', Upgrade: 'tcp'};

/** Leaves HTTP as docker's command does: with a 101. @param line Method and path. */
export async function hijack(socketPath: string, line: string, body?: object): Promise<Hijacked> {
  const [method, path] = line.split(' ');
  const text = body === undefined ? '' : JSON.stringify(body);
  const headers = {...HEADERS, 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text)};
  const request = startRequest({socketPath, method, path, headers, agent: false});
  request.end(text);
  const [outcome, response, socket, rest] = await Promise.race([
    once(request, 'upgrade').then(([answer, connection, rest]) => ['upgrade', answer, connection, rest] as const),
    once(request, 'response').then(([answer]) => ['response', answer, null, null] as const),
  ]);
  if (outcome === 'response') throw new Error(`${line} was answered with ${response.statusCode}`);
  socket.unshift(rest);
  return {socket, contentType: response.headers['content-type']};
}

/** Leaves HTTP without a word, as clients did before there was an upgrade. */
export async function hijackBare(socketPath: string, line: string, body?: object): Promise<Hijacked & {head: string}> {
  const text = body === undefined ? '' : JSON.stringify(body);
  const socket = connect({path: socketPath, allowHalfOpen: true});
  socket.write(
    `${line} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
  let received = Buffer.alloc(0);
  for (;;) {
    const [piece] = (await once(socket, 'data')) as [Buffer];
    received = Buffer.concat([received, piece]);
    const end = received.indexOf('\r\n\r\n');
    if (end < 0) continue;
    socket.pause();
    const head = received.toString('latin1', 0, end);
    if (received.length > end + 4) socket.unshift(received.subarray(end + 4));
    return {socket, head, contentType: /^Content-Type: (.*)$/im.exec(head)?.[1] ?? ''};
  }
}

/** What came for each stream; throws where a frame is not whole. */
export function readFrames(bytes: Buffer): {readonly stdout: string; readonly stderr: string} {
  const texts = {stdout: '', stderr: ''};
  for (let at = 0; at < bytes.length; ) {
    const [stream, length] = [bytes.readUInt8(at) === 1 ? 'stdout' : 'stderr', bytes.readUInt32BE(at + 4)] as const;
    if (at + 8 + length > bytes.length) throw new Error('a frame is cut off');
    texts[stream] += bytes.toString('latin1', at + 8, at + 8 + length);
    at += 8 + length;
  }
  return texts;
}
