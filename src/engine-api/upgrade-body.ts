import type {Duplex} from 'node:stream';
import {WinchError} from '../errors.ts';
import type {Upgrade} from '../http-server/http-server.ts';

/**
 * The body of a request to leave HTTP. Node before 26 takes it for the beginning of what follows: there it is read from the
 * connection. To be called before anything is read.
 *
 * @throws {WinchError} `BODY_INVALID` when read
 */
export function bodyOfUpgrade({request, connection}: Upgrade): AsyncIterable<Uint8Array> {
  // One that has not come whole is behind a connection of its own there.
  const isHandedOver = connection !== request.socket || request.readableLength > 0;
  if (isHandedOver) return request;
  const length = Number(request.headers['content-length'] ?? 0);
  return takeBytes(connection, request.headers['transfer-encoding'] === undefined ? length : Number.NaN);
}

async function* takeBytes(connection: Duplex, length: number): AsyncGenerator<Uint8Array> {
  if (!Number.isSafeInteger(length)) {
    throw new WinchError('BODY_INVALID', 'the body of the request has no length', {kind: 'invalid'});
  }
  let left = length;
  if (left === 0) return;
  for await (const piece of connection.iterator({destroyOnReturn: false})) {
    const bytes = piece as Buffer;
    if (bytes.length > left) connection.unshift(bytes.subarray(left));
    yield bytes.subarray(0, left);
    left -= Math.min(left, bytes.length);
    if (left === 0) return;
  }
}
