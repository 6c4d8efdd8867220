import type {ExecOptions} from '../../bundle/exec-process.ts';
import type {CallOptions} from '../../events.ts';
import type {ContainerContext} from '../context.ts';
import {startError} from '../exit-errors.ts';
import {recordContainerEvents} from '../record-events.ts';
import {supervise} from '../supervise.ts';
import {openUnseenTerminal} from '../unseen-terminal.ts';
import {type LiveContainer, requireLive, requireUnpaused} from './find-live.ts';
import {type ExecEntry, type StartedExec, startExec, startExecApart} from './start-exec.ts';

export interface ExecRequest extends ExecOptions {
  /** Connects standard input; without it the command reads end-of-file. */
  readonly interactive?: boolean | undefined;
  /** Leaves the command running, connected to nothing; a terminal is then one that nobody sees. */
  readonly detach?: boolean | undefined;
}

const SIGTERM = 15;

/**
 * Runs a further command in a running container, with this process's standard streams, and passes on its signals. The
 * container is changed in nothing, and ends the command when it ends itself.
 *
 * @returns the command's own code, 128+n when signal n ended it; 0 for one in the background that has started.
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED` | `CONTAINER_PAUSED` |
 * `USER_NAMESPACE_DENIED` | `COMMAND_NOT_FOUND` | `COMMAND_NOT_EXECUTABLE` | `TERMINAL_MISSING` | `USER_UNKNOWN` | `USER_INVALID` |
 * `ENVIRONMENT_INVALID` | `WORKING_DIRECTORY_INVALID` | `RUNTIME_FAILED`
 */
export async function execInContainer(
  context: ContainerContext,
  text: string,
  request: ExecRequest,
  options: CallOptions & ExecEntry,
): Promise<number> {
  const {terminal = false, detach = false} = request;
  using unseen = terminal && !detach ? await openUnseenTerminal() : null;
  const container = await requireLive(context, text);
  requireUnpaused(container);
  options.signal?.throwIfAborted();
  if (terminal && detach) return await execApart(context, {container, request}, options);
  const entry = {asUser: options.asUser, console: unseen?.console};
  const exec = await startExec(context, container, {...request, ...entry});
  try {
    return await waitForEnd(context, {container, exec, request}, options);
  } finally {
    exec.remove();
  }
}

interface Asked {
  readonly container: LiveContainer;
  readonly request: ExecRequest;
}

async function execApart(
  context: ContainerContext,
  {container, request}: Asked,
  {onEvent, asUser}: CallOptions & ExecEntry,
): Promise<0> {
  const id = await startExecApart(context, container, {...request, asUser});
  onEvent?.({type: 'exec:started', id: container.id});
  recordBegin(context, {container, request}, id);
  return 0;
}

function recordBegin(context: ContainerContext, {container, request: {command}}: Asked, execID: string): void {
  const begun = ['exec_create', 'exec_start'].map((action) => `${action}: ${command.join(' ')}`);
  recordContainerEvents(
    context,
    container,
    begun.map((action) => ({action, attributes: {execID}})),
  );
}

interface Ending extends Asked {
  readonly exec: StartedExec;
}

async function waitForEnd(
  context: ContainerContext,
  {container, exec, request}: Ending,
  {signal, onEvent}: CallOptions,
): Promise<number> {
  const supervised = supervise(exec.process, {signal, stopSignal: SIGTERM});
  onEvent?.({type: 'exec:started', id: container.id});
  recordBegin(context, {container, request}, exec.id);
  const {exitCode, failure} = await supervised;
  const died = {action: 'exec_die', attributes: {execID: exec.id, exitCode: String(exitCode)}};
  if (!request.detach) recordContainerEvents(context, container, [died]);
  if (failure === null) {
    signal?.throwIfAborted();
    return exitCode;
  }
  // It may have ended, or have been paused, since it was looked for; then that is why.
  requireUnpaused(await requireLive(context, container.id));
  throw startError(container.runtime.path, failure);
}
