import type {ServerResponse} from 'node:http';
import {pipeline} from 'node:stream/promises';
import {errorReply} from './api-error.ts';
import type {ApiReply} from './api-request.ts';

const JSON_TYPE = 'application/json';

/** Sends a reply, and ends it. Rejects when the client is gone, or what the reply draws from fails on the way. */
export async function sendReply(response: ServerResponse, reply: ApiReply): Promise<void> {
  switch (reply.type) {
    case 'empty':
      response.writeHead(reply.status, reply.headers).end();
      return;
    case 'text':
      response.writeHead(200, {'Content-Type': 'text/plain; charset=utf-8', ...reply.headers}).end(reply.text);
      return;
    case 'json':
      sendJson(response, reply.status ?? 200, reply.value);
      return;
    case 'late-json':
      response.writeHead(200, {'Content-Type': JSON_TYPE}).flushHeaders();
      response.end(`${JSON.stringify(await reply.value)}\n`);
      return;
    case 'lines':
      await sendLines(response, reply.values);
      return;
    case 'bytes':
      await sendBytes(response, reply);
  }
}

async function sendBytes(
  response: ServerResponse,
  {contentType, headers, content, close}: Extract<ApiReply, {type: 'bytes'}>,
): Promise<void> {
  try {
    // Some clients wait for the head, and the first bytes may be long in coming.
    response.writeHead(200, {'Content-Type': contentType, ...headers}).flushHeaders();
    await pipeline(content, response);
  } finally {
    await close?.();
  }
}

export function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.socket === null) {
    response.destroy();
    return;
  }
  const {status, message} = errorReply(error);
  // What of a refused body is still on its way would be taken for the next request.
  response.setHeader('Connection', 'close');
  sendJson(response, status, {message});
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, {'Content-Type': JSON_TYPE}).end(`${JSON.stringify(value)}\n`);
}

/** An error before the first line has its own status; a later one is a line, since the status is on its way. */
async function sendLines(response: ServerResponse, values: AsyncIterable<unknown>): Promise<void> {
  const iterator = values[Symbol.asyncIterator]();
  const first = await iterator.next();
  response.writeHead(200, {'Content-Type': JSON_TYPE}).flushHeaders();
  await pipeline(writtenLines({first, iterator}), response);
}

async function* writtenLines({
  first,
  iterator,
}: {
  readonly first: IteratorResult<unknown>;
  readonly iterator: AsyncIterator<unknown>;
}): AsyncGenerator<string> {
  try {
    for (let next = first; !next.done; next = await iterator.next()) yield `${JSON.stringify(next.value)}\r\n`;
  } catch (error) {
    const {message} = errorReply(error);
    yield `${JSON.stringify({errorDetail: {message}, error: message})}\r\n`;
  } finally {
    await iterator.return?.();
  }
}
