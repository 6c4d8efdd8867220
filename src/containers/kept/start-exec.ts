import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {formatRuntimeSpec} from '../../bundle/create-bundle.ts';
import type {ExecOptions} from '../../bundle/exec-process.ts';
import {WinchError} from '../../errors.ts';
import {createLeasedDirectory} from '../../host/leased-directories.ts';
import {randomHex} from '../../host/random-hex.ts';
import type {ExecStart, RunningContainer} from '../../runtime/runtime.ts';
import type {ContainerContext} from '../context.ts';
import {execParent} from '../directories.ts';
import {describeExec} from './describe-exec.ts';
import type {LiveContainer} from './find-live.ts';

interface ExecToStart extends ExecOptions {
  readonly interactive?: boolean | undefined;
  readonly detach?: boolean | undefined;
  readonly capture?: ExecStart['capture'];
}

export interface StartedExec {
  readonly id: string;
  readonly process: RunningContainer;
  /** Removes what the runtime was told of it; to be called when it has ended. */
  remove(): void;
}

const ID_BYTES = 32;

/**
 * Starts a further process in a running container.
 *
 * @throws {WinchError} as `describeExec` | `NAMESPACE_DENIED`
 */
export function startExec(context: ContainerContext, container: LiveContainer, request: ExecToStart): StartedExec {
  requireRoot();
  const {interactive = false, detach = false, terminal = false, capture} = request;
  const process = describeExec(container, request);
  mkdirSync(execParent(context), {recursive: true, mode: 0o700});
  const id = randomHex(ID_BYTES);
  const leased = createLeasedDirectory(execParent(context), id);
  try {
    const processFile = join(leased.path, 'process.json');
    // The environment may hold secrets.
    writeFileSync(processFile, formatRuntimeSpec(process), {mode: 0o600});
    const [pidFile, log] = [join(leased.path, 'pid'), join(leased.path, 'log')];
    const streams = {interactive, terminal, detach, capture};
    const started = container.runtime.exec({id: container.id, processFile, pidFile, log, ...streams});
    return {id, process: started, remove: () => leased.remove()};
  } catch (error) {
    leased.remove();
    throw error;
  }
}

/** The runtime enters the namespaces of the container. */
export function requireRoot(): void {
  if (process.geteuid?.() === 0) return;
  throw new WinchError('NAMESPACE_DENIED', 'only root, or that of its user namespace, can enter a container', {
    kind: 'unsupported',
    hint: 'run as root',
  });
}
