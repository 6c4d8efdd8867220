import type {Duplex} from 'node:stream';
import {WinchError} from '../errors.ts';
import type {Upgrade} from '../http-server/http-server.ts';
import {errorReply} from './api-error.ts';
import type {ApiContext, Conversation, EmptyReply} from './api-request.ts';
import {type ClientStream, createClientStream} from './client-stream.ts';
import type {FindRoute} from './find-route.ts';
import {readRequest} from './read-request.ts';
import {bodyOfUpgrade} from './upgrade-body.ts';
import {createWebSocketClient, webSocketHead} from './web-socket.ts';

export interface UpgradeAnswering {
  readonly context: ApiContext;
  readonly findRoute: FindRoute;
  readonly ending: AbortSignal;
  readonly onBug: (error: unknown) => void;
}

/** Answers a request to leave HTTP, and has the conversation that follows; the connection is closed at its end. */
export async function answerUpgrade(answering: UpgradeAnswering, upgrade: Upgrade): Promise<void> {
  const {connection, head} = upgrade;
  const gone = new AbortController();
  connection.once('close', () =>
    gone.abort(new WinchError('CLIENT_GONE', 'the client is gone', {kind: 'interrupted'})),
  );
  // A connection that is reset is closed as well, and told of by that.
  connection.on('error', () => {});
  connection.unshift(head);
  let hasBegun = false;
  try {
    const opened = await open(answering, upgrade, AbortSignal.any([gone.signal, answering.ending]));
    hasBegun = true;
    if (opened.type === 'empty') return sendEmpty(connection, opened);
    await opened.converse(beginConversation(connection, opened));
  } catch (error) {
    if (!(error instanceof WinchError) && !gone.signal.aborted) answering.onBug(error);
    // Behind a 101 it would be taken for output.
    if (hasBegun) connection.destroy();
    else refuse(connection, error);
  }
}

async function open(
  {context, findRoute}: UpgradeAnswering,
  upgrade: Upgrade,
  signal: AbortSignal,
): Promise<Conversation | EmptyReply> {
  const {route, asked} = readRequest(findRoute, upgrade.request, signal);
  if (!route.loadHijack) {
    throw new WinchError('UPGRADE_REFUSED', 'this is not done outside of HTTP', {
      kind: 'invalid',
      hint: 'ask without the header Upgrade',
    });
  }
  return (await route.loadHijack())(context, {...asked, body: bodyOfUpgrade(upgrade)});
}

function beginConversation(connection: Duplex, {contentType, webSocketKey}: Conversation): ClientStream {
  if (webSocketKey !== undefined) {
    connection.write(headOf('101 Switching Protocols', webSocketHead(webSocketKey)));
    return createWebSocketClient(connection);
  }
  connection.write(headOf('101 UPGRADED', [`Content-Type: ${contentType}`, 'Connection: Upgrade', 'Upgrade: tcp']));
  return createClientStream(connection);
}

const sendEmpty = (connection: Duplex, {status}: EmptyReply): void =>
  void connection.end(headOf(`${status} OK`, ['Content-Length: 0', 'Connection: close']));

function refuse(connection: Duplex, error: unknown): void {
  const {status, message} = errorReply(error);
  const body = `${JSON.stringify({message})}\n`;
  const lines = ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close'];
  connection.end(`${headOf(`${status} Refused`, lines)}${body}`);
}

const headOf = (status: string, lines: readonly string[]): string =>
  `HTTP/1.1 ${status}\r\n${lines.join('\r\n')}\r\n\r\n`;
