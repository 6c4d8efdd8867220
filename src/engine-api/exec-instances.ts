import type {ExecSession} from '../containers/kept/exec-session.ts';
import {isWinchError, WinchError} from '../errors.ts';
import {randomHex} from '../host/random-hex.ts';
import type {TerminalSize} from '../host/terminal-size.ts';
import type {ExecPlan} from './exec-request.ts';

/** A further command of a container, from the request that makes it to the last look at how it has ended. */
export interface ExecInstance extends ExecPlan {
  readonly id: string;
  readonly containerId: string;
  readonly isRunning: boolean;
  /** Null: it has not ended. */
  readonly exitCode: number | null;
  /** Of its terminal; absent: nobody has said. */
  readonly size: TerminalSize | undefined;
  /** As this machine counts; null: it does not run. */
  readPid(): number | null;
  /** Takes it to be started, which happens once. @throws {WinchError} `EXEC_RUNNING` */
  claim(): void;
  /** Says what it has become, whose end is noted. */
  follow(session: ExecSession): void;
  /** Says why it could not be started. */
  fail(error: unknown): void;
  /** Tells its terminal its size, at once or as soon as it has one. */
  resize(size: TerminalSize): void;
}

/** The execs that a server knows. They are in its memory alone, as with docker; the commands go on without it. */
export interface ExecInstances {
  add(containerId: string, plan: ExecPlan): ExecInstance;
  /** @throws {WinchError} `EXEC_UNKNOWN` */
  require(id: string): ExecInstance;
}

/** Of those that do not run; the oldest is forgotten for the next. */
const MOST_IDLE = 1000;
const ID_BYTES = 32;
const COMMAND_NOT_EXECUTABLE = 126;
const COMMAND_NOT_FOUND = 127;

export function createExecInstances(): ExecInstances {
  const instances = new Map<string, ExecInstance>();
  return {
    add: (containerId, plan) => {
      const idle = [...instances.values()].filter(({isRunning}) => !isRunning);
      for (const {id} of idle.slice(0, Math.max(0, idle.length - MOST_IDLE + 1))) instances.delete(id);
      const instance = createInstance(randomHex(ID_BYTES), containerId, plan);
      instances.set(instance.id, instance);
      return instance;
    },
    require: (id) => {
      const instance = instances.get(id);
      if (instance) return instance;
      throw new WinchError('EXEC_UNKNOWN', `No such exec instance: ${id}`, {kind: 'not-found'});
    },
  };
}

type Phase = 'made' | 'running' | 'ended';

function createInstance(id: string, containerId: string, plan: ExecPlan): ExecInstance {
  let phase: Phase = 'made';
  let exitCode: number | null = null;
  let session: ExecSession | null = null;
  let size = plan.request.terminalSize;
  const end = (code: number) => {
    phase = 'ended';
    exitCode = code;
    session = null;
  };
  const fail = (error: unknown) => end(exitCodeOf(error));
  return {
    ...{...plan, id, containerId},
    get isRunning() {
      return phase === 'running';
    },
    get exitCode() {
      return exitCode;
    },
    get size() {
      return size;
    },
    readPid: () => session?.readPid() ?? null,
    claim: () => {
      if (phase !== 'made') throw alreadyStarted(id, phase);
      phase = 'running';
    },
    follow: (started) => {
      session = started;
      // It may have changed since the session was asked for.
      if (size) started.resize(size);
      started.ended.then(end, fail);
    },
    fail,
    resize: (wanted) => {
      size = wanted;
      session?.resize(wanted);
    },
  };
}

/** As docker has it, by which its command ends. */
const exitCodeOf = (error: unknown): number =>
  isWinchError(error, 'COMMAND_NOT_FOUND') ? COMMAND_NOT_FOUND : COMMAND_NOT_EXECUTABLE;

const alreadyStarted = (id: string, phase: Phase): WinchError =>
  new WinchError('EXEC_RUNNING', `exec ${id} ${phase === 'running' ? 'is already running' : 'has already run'}`, {
    kind: 'invalid',
    hint: 'make another one',
  });
