import type {ServerResponse} from 'node:http';
import {pipeline} from 'node:stream/promises';

/** What the API answers. */
export interface RegistryReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  /** Absent: the headers are all. */
  readonly body?: Uint8Array | string | AsyncIterable<Uint8Array>;
}

export function jsonReply(value: unknown, headers: RegistryReply['headers'] = {}, status = 200): RegistryReply {
  const body = JSON.stringify(value);
  const length = Buffer.byteLength(body);
  return {status, headers: {'Content-Type': 'application/json', 'Content-Length': length, ...headers}, body};
}

/** Sends a reply, its headers alone to a `HEAD`. Rejects when the client is gone, or the body fails on the way. */
export async function sendReply(response: ServerResponse, {status, headers, body}: RegistryReply): Promise<void> {
  response.writeHead(status, headers);
  if (body === undefined || response.req.method === 'HEAD') response.end();
  else if (typeof body === 'string' || body instanceof Uint8Array) response.end(body);
  else await pipeline(body, response);
}
