import {closeSync, constants, openSync, writeSync} from 'node:fs';
import {hasErrno} from '../errors.ts';
import {type ProgramRequest, type StartedProgram, startProgram} from '../host/start-program.ts';
import type {Syscalls} from '../host/syscalls.ts';
import {SYSTEM_PATH} from './find-runtime.ts';
import {deleteArguments} from './runc-arguments.ts';

export interface LifelineRequest {
  readonly runtime: string;
  readonly stateDirectory: string;
  readonly id: string;
  /** The cgroup that is the container's alone, as a path below each hierarchy. */
  readonly cgroupPath: string;
  /** Process of the runtime that starts the container; null when it did not start. */
  readonly runtimePid: number | null;
  /** A directory that the watcher has open until it ends; null: none. */
  readonly heldDirectory: string | null;
  /** Where the process is written, if there is one, that connects the container to a network; the id is among its words. */
  readonly networkPidFile: string;
}

export interface Lifeline {
  /** Lets the watcher go without doing anything. */
  release(): void;
  /** Settles when the watcher that was let go has ended: a machine whose first process takes no orphans in would keep it. */
  ended(): Promise<void>;
}

/** More than the kernel takes to let go of what the watcher has open. */
const PATIENCE_MS = 2000;

/**
 * A runtime that was still creating the container has not written its state, and a delete then takes away what the
 * container's first process waits for: so the runtime ends first, then what is in the cgroup, then the state goes. The
 * runtime is known by the id on its command line, since its pid may be another process's by now. All of it is done once
 * more a little later: what is on its way into the cgroup has arrived by then.
 *
 * The first process of the container is a child of the runtime, and all others end with it: a container without a cgroup
 * of its own ends as well when the runtime's state has been removed meanwhile.
 */
const SCRIPT = `
read -r line && exit
id=$1 pid=$2 cgroup=$3 network=$4
shift 4
clear() {
  case $(tr '\\0' ' ' <"/proc/$pid/cmdline") in *"$id"*)
    first=$(cat /proc/"$pid"/task/*/children)
    kill -s KILL -- "-$pid"
    kill -s KILL "$pid"
    for member in $first; do kill -s KILL "$member"; done ;;
  esac
  for file in "/sys/fs/cgroup$cgroup/cgroup.procs" /sys/fs/cgroup/*"$cgroup/cgroup.procs"; do
    [ -e "$file" ] && while read -r member; do kill -s KILL "$member"; done <"$file"
  done
  [ -e "$network" ] && read -r helper <"$network" &&
    case $(tr '\\0' ' ' <"/proc/$helper/cmdline") in *"$id"*) kill -s KILL "$helper" ;; esac
  "$@"
}
clear "$@"
sleep 2
clear "$@"
`;

/**
 * Starts a watcher that ends the container when this process dies without having released it, SIGKILL included.
 *
 * It is a shell that waits on a pipe of which this process alone holds the other end, in a session of its own.
 */
export function attachLifeline(syscalls: Pick<Syscalls, 'makePipe'>, request: LifelineRequest): Lifeline {
  const {runtime, stateDirectory, id, cgroupPath, runtimePid, heldDirectory, networkPidFile} = request;
  const command = [runtime, ...deleteArguments({root: stateDirectory}, id)];
  const parameters = [id, String(runtimePid ?? 'none'), cgroupPath, networkPidFile, ...command];
  // Not a stream of Node's: making and ending one takes 3 ms.
  const {readEnd, writeEnd} = syscalls.makePipe();
  const held = heldDirectory === null ? [] : [openSync(heldDirectory, constants.O_RDONLY | constants.O_DIRECTORY)];
  const watcher = startWatcher([readEnd, 'ignore', 'ignore', ...held], parameters);
  for (const fd of [readEnd, ...held]) closeSync(fd);
  let isReleased = false;
  return {
    release: () => {
      if (!isReleased) letGo(writeEnd);
      isReleased = true;
    },
    ended: async () => watcher?.endedWithin(PATIENCE_MS),
  };
}

/** One that cannot start must not fail the run: what a killed run leaves is then cleared by the next command. */
function startWatcher(streams: ProgramRequest['streams'], parameters: readonly string[]): StartedProgram | null {
  try {
    return startProgram({
      path: '/bin/sh',
      words: ['-c', SCRIPT, 'winch-lifeline', ...parameters],
      environment: {PATH: SYSTEM_PATH},
      streams,
      hasOwnSession: true,
    });
  } catch {
    return null;
  }
}

function letGo(writeEnd: number): void {
  try {
    writeSync(writeEnd, 'released\n');
  } catch (error) {
    if (!hasErrno(error, 'EPIPE')) throw error;
  } finally {
    closeSync(writeEnd);
  }
}
