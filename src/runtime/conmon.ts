import {mkdirSync} from 'node:fs';
import {globalArguments} from './runc-arguments.ts';
import {type Supervised, startSupervisor} from './start-supervisor.ts';

export interface Supervision {
  /** Absolute path of conmon. */
  readonly conmon: string;
  /** Absolute path of the OCI runtime. */
  readonly runtime: string;
  /** Directory of the runtime's state; made with mode 0700. */
  readonly stateDirectory: string;
  readonly id: string;
  /** Directory of config.json; conmon puts its sockets there. */
  readonly bundle: string;
  /** Whether the container has a terminal. */
  readonly terminal: boolean;
  /** Whether the container's standard input stays open; otherwise it reads end-of-file. */
  readonly interactive: boolean;
  /** Whether that outlives those who write to it; it does with a terminal. */
  readonly keepsInput: boolean;
  /** What the container prints: lines of `TIME stdout|stderr F|P TEXT`, `P` for a piece of a line. No `:` in it. */
  readonly logFile: string;
  /** From which size on the log begins anew; absent: never. Conmon replaces the file then. */
  readonly largestLogBytes?: number | undefined;
  /** An existing directory in which the exit code (`exit`) and an out-of-memory kill (`oom`) are noted. */
  readonly noteDirectory: string;
  /** File for the runtime's own messages. */
  readonly runtimeLog: string;
  /** A program and its arguments that run once the container has ended. */
  readonly exitCommand: readonly string[] | null;
}

/** In the bundle: the pid of the first process, once the container is made. */
export const PID_FILE = 'pid';

/**
 * Starts conmon, which has the runtime create a container in the mount namespace of the calling thread, and then stays
 * with it: whatever happens to this process, output is logged and the exit code noted.
 *
 * Synchronous up to the start of conmon.
 *
 * @see https://github.com/containers/conmon/blob/v2.1.6/docs/conmon.8.md
 */
export function startConmon(supervision: Supervision): Supervised {
  mkdirSync(supervision.stateDirectory, {recursive: true, mode: 0o700});
  return startSupervisor(supervision.conmon, conmonArguments(supervision), supervision);
}

/** Its command line; the id never comes last, which is how a runtime that works on the container is known. */
export function conmonArguments(supervision: Omit<Supervision, 'conmon'>): readonly string[] {
  const {id, runtime, stateDirectory, runtimeLog, exitCommand} = supervision;
  const [program, ...words] = exitCommand ?? [];
  const runtimeWords = globalArguments({root: stateDirectory, log: runtimeLog});
  return [
    ...['--api-version', '1', '--cid', id, '--cuuid', id, '--runtime', runtime],
    ...runtimeWords.flatMap((word) => ['--runtime-arg', word]),
    ...['--bundle', supervision.bundle, '--container-pidfile', `${supervision.bundle}/${PID_FILE}`],
    ...['--persist-dir', supervision.noteDirectory, '--log-path', `k8s-file:${supervision.logFile}`],
    ...(supervision.largestLogBytes === undefined ? [] : ['--log-size-max', String(supervision.largestLogBytes)]),
    ...(program === undefined ? [] : ['--exit-command', program]),
    ...words.flatMap((word) => ['--exit-command-arg', word]),
    ...(supervision.terminal ? ['--terminal'] : []),
    ...(supervision.interactive ? ['--stdin'] : []),
    ...(supervision.keepsInput || supervision.terminal ? ['--leave-stdin-open'] : []),
    // One process less between this one and conmon, whose pid is then known at once.
    ...['--full-attach', '--sync'],
  ];
}
