import {requireUnpaused} from '../containers/kept/find-live.ts';
import type {ContainerDetails} from '../containers/kept/inspect-container.ts';
import type {Toolkit} from '../toolkit.ts';
import {type ApiRequest, type Hijack, isSet} from './api-request.ts';
import type {ClientStream} from './client-stream.ts';
import {idOf} from './containers.ts';
import {converse, parseDetachKeys, passOutput, type StreamWishes} from './converse.ts';
import {streamType} from './stream-frames.ts';
import {readWebSocketKey} from './web-socket.ts';

/**
 * Connects a client to the standard streams of a container, which may still be about to be started. The container goes
 * on when the client goes.
 */
export const attachToContainer: Hijack = async ({toolkit, streams}, request) => {
  const container = await toolkit.containers.inspect(idOf(request), {signal: request.signal});
  requireUnpaused(container);
  const hasTerminal = container.made?.options.terminal ?? false;
  const wishes = readWishes(request.query, hasTerminal);
  return {
    type: 'conversation',
    contentType: streamType(hasTerminal),
    // Also as long as it waits for the start, which may be over before it knows.
    converse: (client) => streams.note(container.id, attach(toolkit, {container, request, wishes}, client)),
  };
};

/** As `attachToContainer`, in the messages of a web socket: whatever is printed comes as it is, without headers. */
export const attachByWebSocket: Hijack = async ({toolkit}, request) => {
  const webSocketKey = readWebSocketKey(request.headers);
  const container = await toolkit.containers.inspect(idOf(request), {signal: request.signal});
  requireUnpaused(container);
  const wishes = readWishes(request.query, true);
  return {
    ...{type: 'conversation', contentType: '', webSocketKey},
    converse: (client) => attach(toolkit, {container, request, wishes}, client),
  };
};

const readWishes = (query: URLSearchParams, hasTerminal: boolean): StreamWishes => ({
  stdin: isSet(query, 'stdin'),
  stdout: isSet(query, 'stdout'),
  stderr: isSet(query, 'stderr'),
  isFramed: !hasTerminal,
  detachKeys: parseDetachKeys(query.get('detachKeys')),
});

interface Attaching {
  readonly container: ContainerDetails;
  readonly request: Pick<ApiRequest, 'query' | 'signal'>;
  readonly wishes: StreamWishes;
}

async function attach({containers}: Toolkit, {container, request, wishes}: Attaching, client: ClientStream) {
  const {query, signal} = request;
  const {id} = container;
  const [wantsLogs, goesOn] = [isSet(query, 'logs'), isSet(query, 'stream')];
  // What a running container has printed, and goes on to print, is one text.
  const fromStart = wantsLogs && goesOn && container.state === 'running';
  if (wantsLogs && !fromStart) await passOutput(containers.logs(id, {signal}), client, wishes);
  if (goesOn) {
    await using attachment = await containers.attach(id, {awaitsStart: true, fromStart, signal});
    if ((await converse(attachment, client, wishes)) === 'detached') attachment.noteDetached();
  }
  client.end();
}
