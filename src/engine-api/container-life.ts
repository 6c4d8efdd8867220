import type {ContainerOptions} from '../bundle/container-options.ts';
import type {WaitCondition, WaitOptions} from '../containers/kept/wait-for-condition.ts';
import {isWinchError, WinchError} from '../errors.ts';
import {isRoot} from '../host/account.ts';
import type {NetworkJoin} from '../network/network-mode.ts';
import type {Toolkit} from '../toolkit.ts';
import {type ApiContext, type ApiReply, type ApiRequest, type Handler, isSet, readJsonBody} from './api-request.ts';
import {idOf} from './containers.ts';
import {readCreateRequest} from './create-request.ts';
import {readPruneFilters} from './prune-filters.ts';
import {readTerminalSize} from './terminal-size.ts';

const DONE: ApiReply = {type: 'empty', status: 204};
const UNCHANGED: ApiReply = {type: 'empty', status: 304};

const secondsOf = (query: URLSearchParams): number | undefined => (query.get('t') ? Number(query.get('t')) : undefined);

const isRunning = async ({containers}: Toolkit, id: string, signal: AbortSignal): Promise<boolean> =>
  (await containers.inspect(id, {signal})).state === 'running';

export const createContainer: Handler = async ({toolkit}, request) => {
  const {query, signal} = request;
  const asked = readCreateRequest(await readJsonBody(request), {name: query.get('name') || null, isUser: !isRoot()});
  const create = {
    ...asked,
    ...(query.get('platform') && {platform: query.get('platform') ?? ''}),
    container: await withNetworkNames(toolkit, asked.container ?? {}),
  };
  return {type: 'json', status: 201, value: {Id: await toolkit.containers.create(create, {signal}), Warnings: []}};
};

/** Clients name networks by their ids as well; one that is not there is missed at the start. */
async function withNetworkNames({networks}: Toolkit, container: ContainerOptions): Promise<ContainerOptions> {
  const {network} = container;
  if (typeof network !== 'object' || !('networks' in network)) return container;
  const known = await networks.list();
  const nameOf = (text: string) =>
    (known.find(({name}) => name === text) ?? known.find(({id}) => ID.test(text) && id.startsWith(text)))?.name ?? text;
  const joins = new Map<string, NetworkJoin>();
  for (const join of network.networks) {
    const name = nameOf(join.name);
    joins.set(name, {...joins.get(name), ...join, name});
  }
  return {...container, network: {networks: [...joins.values()]}};
}

/** Whole, or its first digits. */
const ID = /^[0-9a-f]{4,64}$/;

/** What has the wanted state already is left as it is, and that is said. */
export const startContainer: Handler = async ({toolkit}, request) => {
  const {id, state, made} = await toolkit.containers.inspect(idOf(request), {signal: request.signal});
  if (state === 'running') return UNCHANGED;
  try {
    await toolkit.containers.start(id);
  } catch (error) {
    // Whoever waits for its removal would wait for ever.
    if (made?.autoRemove) await toolkit.containers.remove(id).catch(() => {});
    throw error;
  }
  return DONE;
};

export const stopContainer: Handler = async ({toolkit}, request) => {
  const {query, signal} = request;
  if (!(await isRunning(toolkit, idOf(request), signal))) return UNCHANGED;
  await toolkit.containers.stop(idOf(request), {timeoutSeconds: secondsOf(query), signal});
  return DONE;
};

export const restartContainer: Handler = async ({toolkit}, request) => {
  await toolkit.containers.restart(idOf(request), {timeoutSeconds: secondsOf(request.query)});
  return DONE;
};

/** Whoever kills a container takes the answer for its end. */
export const killContainer: Handler = async ({toolkit}, request) => {
  const signal = request.query.get('signal') || undefined;
  const id = await toolkit.containers.kill(idOf(request), signal);
  if (signal === undefined || KILL.test(signal)) await untilEnded(toolkit, id, request.signal);
  return DONE;
};

const KILL = /^(?:(?:SIG)?KILL|9)$/i;
/** As docker has it; what cannot be killed, because the kernel is at it, is no failure. */
const KILL_PATIENCE_MS = 10_000;

async function untilEnded({containers}: Toolkit, id: string, signal: AbortSignal): Promise<void> {
  const patience = AbortSignal.timeout(KILL_PATIENCE_MS);
  try {
    await containers.wait(id, {signal: AbortSignal.any([signal, patience])});
  } catch (error) {
    if (!patience.aborted && !isWinchError(error, 'CONTAINER_UNKNOWN')) throw error;
  }
}

const simply =
  (act: (toolkit: Toolkit, request: ApiRequest) => Promise<unknown>): Handler =>
  async ({toolkit}, request) => {
    await act(toolkit, request);
    return DONE;
  };

export const pauseContainer = simply(({containers}, request) => containers.pause(idOf(request)));

export const unpauseContainer = simply(({containers}, request) => containers.unpause(idOf(request)));

export const resizeContainer: Handler = async ({toolkit}, request) => {
  await toolkit.containers.resize(idOf(request), readTerminalSize(request.query));
  return {type: 'empty', status: 200};
};

export const renameContainer = simply(({containers}, request) =>
  containers.rename(idOf(request), request.query.get('name') ?? ''),
);

export const removeContainer = simply(({containers}, request) => {
  const {query, signal} = request;
  const options = {force: isSet(query, 'force'), removesVolumes: isSet(query, 'v'), signal};
  return containers.remove(idOf(request), options);
});

const CONDITIONS: readonly WaitCondition[] = ['not-running', 'next-exit', 'removed'];

export const waitForContainer: Handler = async (context, request) => {
  const asked = request.query.get('condition') || 'not-running';
  const condition = CONDITIONS.find((candidate) => candidate === asked);
  if (condition === undefined) {
    throw new WinchError('CONDITION_UNKNOWN', 'a container is not waited for in this way', {
      kind: 'invalid',
      hint: `the conditions are ${CONDITIONS.join(', ')}`,
    });
  }
  const {signal} = request;
  const {id, state} = await context.toolkit.containers.inspect(idOf(request), {signal});
  const hasPrinted = state !== 'created' || condition !== 'not-running';
  return {type: 'late-json', value: waitFor(context, id, {condition, hasPrinted, signal})};
};

interface Waiting extends WaitOptions {
  /** Whether there is output of it when the wait is over. */
  readonly hasPrinted: boolean;
}

async function waitFor({toolkit, streams}: ApiContext, id: string, {hasPrinted, ...options}: Waiting) {
  const code = await toolkit.containers.wait(id, options);
  if (hasPrinted) await streams.settle(id);
  return {StatusCode: code};
}

export const pruneContainers: Handler = async ({toolkit}, {query, signal}) => {
  const {createdBefore, labels} = readPruneFilters(query, {now: Date.now()});
  const {deleted, freedBytes} = await toolkit.containers.prune({createdBefore, labels, signal});
  return {type: 'json', value: {ContainersDeleted: deleted, SpaceReclaimed: freedBytes}};
};
