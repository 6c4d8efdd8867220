import {spawn} from 'node:child_process';
import {SYSTEM_PATH} from './find-runtime.ts';
import {deleteArguments} from './runc-arguments.ts';

export interface LifelineRequest {
  readonly runtime: string;
  readonly stateDirectory: string;
  readonly id: string;
}

export interface Lifeline {
  /** Lets the watcher go without doing anything. */
  release(): void;
}

/**
 * The container is deleted once more a little later: a runtime that was still creating it when its starter died goes on.
 */
const SCRIPT = 'read -r line && exit; "$@"; sleep 2; exec "$@"';

/**
 * Starts a watcher that ends the container when this process dies without having released it, SIGKILL included.
 *
 * It is a shell that waits on a pipe of which this process alone holds the other end, in a session of its own.
 */
export function attachLifeline({runtime, stateDirectory, id}: LifelineRequest): Lifeline {
  const command = [runtime, ...deleteArguments({root: stateDirectory}, id)];
  const watcher = spawn('/bin/sh', ['-c', SCRIPT, 'winch-lifeline', ...command], {
    cwd: '/',
    env: {PATH: SYSTEM_PATH},
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watcher.unref();
  // A watcher that cannot start or was killed must not fail the run: leftovers are then cleared by the next command.
  watcher.on('error', () => {});
  watcher.stdin.on('error', () => {});
  return {
    release: () => void watcher.stdin.end('released\n'),
  };
}
