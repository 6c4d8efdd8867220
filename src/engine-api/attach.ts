import {once} from 'node:events';
import type {Duplex} from 'node:stream';
import type {Attachment} from '../containers/kept/attach-container.ts';
import {type ApiContext, type ApiRequest, type Hijack, isSet} from './api-request.ts';
import {idOf} from './containers.ts';
import {framed, streamType} from './stream-frames.ts';

/**
 * Connects a client to the standard streams of a container, which may still be about to be started. The container goes
 * on when the client goes.
 */
export const attachToContainer: Hijack = async ({toolkit}, request) => {
  const {made} = await toolkit.containers.inspect(idOf(request), {signal: request.signal});
  return {
    contentType: streamType(made?.options.terminal ?? false),
    converse: (connection) => converse({toolkit}, request, connection),
  };
};

async function converse({toolkit}: Pick<ApiContext, 'toolkit'>, request: ApiRequest, connection: Duplex) {
  const {query, signal} = request;
  await using attachment = await toolkit.containers.attach(idOf(request), {awaitsStart: true, signal});
  const input = isSet(query, 'stdin') ? passInput(connection, attachment) : null;
  // What is typed at the end of a container is for nobody.
  input?.catch(() => {});
  await passOutput(attachment, connection, {stdout: isSet(query, 'stdout'), stderr: isSet(query, 'stderr')});
  connection.end();
}

async function passInput(connection: Duplex, attachment: Attachment): Promise<void> {
  // Else the end of the input would be that of the connection.
  for await (const piece of connection.iterator({destroyOnReturn: false})) {
    if (!(await attachment.write(piece))) return;
  }
  await attachment.endInput();
}

async function passOutput(
  attachment: Attachment,
  connection: Duplex,
  wanted: Readonly<Record<'stdout' | 'stderr', boolean>>,
): Promise<void> {
  for await (const piece of attachment.output()) {
    if (connection.destroyed) return;
    if (!wanted[piece.stream]) continue;
    if (!connection.write(attachment.hasTerminal ? piece.bytes : framed(piece))) await drained(connection);
  }
}

/** A client that is gone will never have read it. */
const drained = (connection: Duplex): Promise<unknown> =>
  Promise.race([once(connection, 'drain'), once(connection, 'close')]);
