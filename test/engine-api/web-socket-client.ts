import {randomBytes} from 'node:crypto';
import {once} from 'node:events';
import {request as startRequest} from 'node:http';
import type {Socket} from 'node:net';

/** A message as a client sends it. */
export function clientFrame(opcode: number, payload: Buffer): Buffer {
  const mask = randomBytes(4);
  const {length} = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 2 ** 16 ? 4 : 10);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | (length < 126 ? length : length < 2 ** 16 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, mask, payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0))]);
}

/** Connects a web socket. @returns the connection, with what the server says in frames without a mask. */
export async function openWebSocket(socketPath: string, path: string): Promise<Socket> {
  const headers = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
  };
  const request = startRequest({socketPath, path, headers, agent: false});
  request.end();
  const [, socket, rest] = (await once(request, 'upgrade')) as [unknown, Socket, Buffer];
  socket.unshift(rest);
  return socket;
}

/** The texts of short messages of a server, and the code of its close. */
export function readServerFrames(bytes: Buffer): {readonly text: string; readonly closeCode: number | null} {
  let [text, closeCode] = ['', null as number | null];
  for (let at = 0; at < bytes.length; ) {
    const [opcode, length] = [bytes.readUInt8(at) & 15, bytes.readUInt8(at + 1)];
    const payload = bytes.subarray(at + 2, at + 2 + length);
    if (opcode === 8) closeCode = payload.readUInt16BE();
    else text += payload.toString();
    at += 2 + length;
  }
  return {text, closeCode};
}
