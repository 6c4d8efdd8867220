import type {ExecSession, ExecSessionRequest} from '../containers/kept/exec-session.ts';
import {notRunning} from '../containers/kept/find-container.ts';
import {requireUnpaused} from '../containers/kept/find-live.ts';
import type {ContainerDetails} from '../containers/kept/inspect-container.ts';
import {isWinchError} from '../errors.ts';
import type {Toolkit} from '../toolkit.ts';
import {errorReply} from './api-error.ts';
import {type ApiRequest, type Handler, type Hijack, readJsonBody} from './api-request.ts';
import {readFields} from './body-fields.ts';
import type {ClientStream} from './client-stream.ts';
import {idOf} from './containers.ts';
import {converse, type StreamWishes} from './converse.ts';
import type {ExecInstance} from './exec-instances.ts';
import {readConsoleSize, readExecRequest} from './exec-request.ts';
import {framed, streamType} from './stream-frames.ts';
import {readTerminalSize} from './terminal-size.ts';

/** `docker exec` begins so. */
export const createExec: Handler = async ({toolkit, execs}, request) => {
  const plan = readExecRequest(await readJsonBody(request));
  const {id} = requireRunning(await toolkit.containers.inspect(idOf(request), {signal: request.signal}));
  return {type: 'json', status: 201, value: {Id: execs.add(id, plan).id}};
};

/** @throws {WinchError} `CONTAINER_STOPPED` | `CONTAINER_PAUSED` */
function requireRunning(container: ContainerDetails): ContainerDetails {
  if (container.state !== 'running') throw notRunning(container);
  requireUnpaused(container);
  return container;
}

export const inspectExec: Handler = async ({toolkit, execs}, request) => {
  const exec = execs.require(idOf(request));
  // With its container it is forgotten.
  await toolkit.containers.inspect(exec.containerId, {signal: request.signal});
  return {type: 'json', value: toDockerExec(exec)};
};

function toDockerExec(exec: ExecInstance) {
  const {command, terminal = false, privileged = false, user} = exec.request;
  const [entrypoint = '', ...words] = command;
  return {
    ID: exec.id,
    Running: exec.isRunning,
    ExitCode: exec.exitCode,
    ProcessConfig: {tty: terminal, entrypoint, arguments: words, privileged, ...(user !== undefined && {user})},
    OpenStdin: exec.wishes.stdin,
    OpenStderr: exec.wishes.stderr,
    OpenStdout: exec.wishes.stdout,
    CanRemove: false,
    ContainerID: exec.containerId,
    DetachKeys: Buffer.from(exec.namedDetachKeys).toString('base64'),
    Pid: exec.readPid() ?? 0,
  };
}

export const resizeExec: Handler = ({execs}, request) => {
  execs.require(idOf(request)).resize(readTerminalSize(request.query));
  return {type: 'empty', status: 200};
};

/** Starts it, and connects the client to its streams, unless that wants it apart. */
export const startExec: Hijack = async ({toolkit, execs}, request) => {
  const exec = execs.require(idOf(request));
  const fields = readFields((await readJsonBody(request)) ?? {});
  const size = readConsoleSize(fields);
  requireRunning(await toolkit.containers.inspect(exec.containerId, {signal: request.signal}));
  const [isApart, isFramed] = [fields.flag('Detach') === true, fields.flag('Tty') !== true];
  exec.claim();
  if (size) exec.resize(size);
  if (isApart) {
    await startApart(toolkit, exec);
    return {type: 'empty', status: 200};
  }
  return {
    type: 'conversation',
    contentType: streamType(!isFramed),
    converse: (client) =>
      runConnected(toolkit, {exec, signal: request.signal, wishes: {...exec.wishes, isFramed}}, client),
  };
};

async function startApart({containers}: Toolkit, exec: ExecInstance): Promise<void> {
  try {
    await using session = await containers.openExec(exec.containerId, {
      ...requestOf(exec),
      ...{interactive: false, silent: true},
    });
    exec.follow(session);
    await session.waitUntilStarted();
  } catch (error) {
    exec.fail(error);
    throw error;
  }
}

interface Connecting {
  readonly exec: ExecInstance;
  readonly signal: ApiRequest['signal'];
  readonly wishes: StreamWishes;
}

/** How it ended is known before the client notices the end. */
async function runConnected(toolkit: Toolkit, connecting: Connecting, client: ClientStream): Promise<void> {
  const {exec, wishes} = connecting;
  try {
    await using session = await open(toolkit, connecting);
    if ((await converse(session, client, wishes)) === 'ended' && !connecting.signal.aborted) await session.ended;
  } catch (error) {
    exec.fail(error);
    if (!isWinchError(error)) throw error;
    const bytes = Buffer.from(`${errorReply(error).message}\r\n`);
    await client.write(wishes.isFramed ? framed({stream: 'stdout', bytes}) : bytes);
  }
  client.end();
}

async function open({containers}: Toolkit, {exec, signal, wishes}: Connecting): Promise<ExecSession> {
  const {stdin, stdout, stderr} = wishes;
  const request = {...requestOf(exec), interactive: stdin, silent: !stdout && !stderr};
  const session = await containers.openExec(exec.containerId, request, {signal});
  exec.follow(session);
  return session;
}

const requestOf = ({request, id, size}: ExecInstance): ExecSessionRequest => ({...request, id, terminalSize: size});
