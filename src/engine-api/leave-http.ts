import type {IncomingMessage, ServerResponse} from 'node:http';
import type {Duplex} from 'node:stream';
import {setImmediate as nextTurn} from 'node:timers/promises';
import type {Conversation} from './api-request.ts';
import {createClientStream} from './client-stream.ts';

/** What HTTP listens to on a connection, apart from its close. */
const EVENTS = ['data', 'end', 'drain', 'timeout'] as const;

export interface BareRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly onClose: () => void;
}

/** Has a conversation with a client that leaves HTTP without saying so (`Connection: Upgrade`) in its request. */
export async function converseBare(
  {contentType, converse}: Conversation,
  {request, response, onClose}: BareRequest,
): Promise<void> {
  // A connection that is reset is closed as well, and told of by that.
  request.socket.once('close', onClose).on('error', () => {});
  const connection = await leaveHttp(request, response);
  try {
    connection.write(`HTTP/1.1 200 OK\r\nContent-Type: ${contentType}\r\n\r\n`);
    await converse(createClientStream(connection));
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

/** Takes the connection of a request that has been read away from HTTP. */
async function leaveHttp({socket}: IncomingMessage, response: ServerResponse): Promise<Duplex> {
  for (const event of EVENTS) socket.removeAllListeners(event);
  response.detachSocket(socket);
  // Node's parser lets go of a connection as soon as somebody else wants to read it.
  const nothing = () => {};
  socket.on('readable', nothing).off('readable', nothing);
  // HTTP may have asked for more, which would flow away until somebody reads it.
  await nextTurn();
  return socket.pause();
}
