import * as assert from 'uvu/assert';
import {readWebSocketKey, webSocketHead} from '../../src/engine-api/web-socket.ts';
import {dataFrame, readFrames} from '../../src/engine-api/web-socket-frames.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {clientFrame} from './web-socket-client.ts';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const HEADERS = {upgrade: 'WebSocket', 'sec-websocket-key': KEY, 'sec-websocket-version': '13', host: 'here:1'};
const [TEXT, BINARY, CLOSE, PING] = [1, 2, 8, 9];

describe('engine-api/web-socket', ({test}) => {
  const read = async (bytes: Buffer, size = bytes.length) => {
    const answers: Buffer[] = [];
    const pieces: Buffer[] = [];
    async function* source() {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    }
    for await (const piece of readFrames(source(), (frame) => answers.push(frame))) pieces.push(piece);
    return {said: Buffer.concat(pieces).toString(), answers};
  };

  test('answers a key as the specification has it, and refuses other sites', () => {
    assert.is(readWebSocketKey(HEADERS), KEY);
    assert.ok(webSocketHead(KEY).includes('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo='));
    assert.is(readWebSocketKey({...HEADERS, origin: 'https://here:1'}), KEY);
    for (const wrong of [
      {origin: 'https://there'},
      {origin: 'null'},
      {upgrade: 'tcp'},
      {'sec-websocket-key': 'short'},
      {'sec-websocket-version': '8'},
    ]) {
      assert.throws(() => readWebSocketKey({...HEADERS, ...wrong}), /this is for web sockets|another site/);
    }
  });

  test('reads messages of all lengths, however they are cut', async () => {
    const texts = ['', 'a', 'b'.repeat(125), 'c'.repeat(126), 'd'.repeat(70_000)];
    const bytes = Buffer.concat(texts.map((text, index) => clientFrame(index % 2 ? TEXT : BINARY, Buffer.from(text))));
    assert.is((await read(bytes)).said, texts.join(''));
    assert.is((await read(bytes, 1)).said, texts.join(''));
    assert.is((await read(bytes.subarray(0, -1), 1000)).said, texts.join('').slice(0, -1));
  });

  test('answers pings, and ends with a close', async () => {
    const bytes = Buffer.concat([
      clientFrame(BINARY, Buffer.from('one')),
      clientFrame(PING, Buffer.from('still there?')),
      clientFrame(BINARY, Buffer.from('two')),
      clientFrame(CLOSE, Buffer.from([3, 232])),
      clientFrame(BINARY, Buffer.from('late')),
    ]);
    const {said, answers} = await read(bytes, 3);
    assert.is(said, 'onetwo');
    assert.equal(answers[0]?.subarray(2).toString(), 'still there?');
    assert.equal([answers[0]?.[0], answers[1]], [0x8a, Buffer.from([0x88, 2, 3, 232])]);
  });

  test('refuses what no client may say', async () => {
    const masked = clientFrame(BINARY, Buffer.from('x'));
    const change = (index: number, value: number) => {
      const bytes = Buffer.from(masked);
      bytes[index] = value;
      return bytes;
    };
    const wrong = [change(0, 0xc2), change(0, 0x83), change(0, 0x8b), change(0, 0x09), change(1, 1), dataFrame(masked)];
    const tooLong = Buffer.concat([Buffer.from([0x82, 0xff]), Buffer.alloc(8, 0xff), Buffer.alloc(4)]);
    const longPing = Buffer.from([0x89, 0xfe, 1, 0]);
    for (const bytes of [...wrong, tooLong, longPing]) {
      assert.is((await rejectionOf(read(bytes))).code, 'WEB_SOCKET_INVALID', bytes.toString('hex'));
    }
  });
});
