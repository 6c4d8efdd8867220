import type {Readable, Writable} from 'node:stream';

export interface StartRequest {
  readonly id: string;
  /** Directory of config.json. */
  readonly bundle: string;
  /** Whether standard input is the caller's; otherwise the container reads end-of-file. */
  readonly interactive: boolean;
  /** Whether the container has a terminal, which the runtime connects to the caller's. */
  readonly terminal: boolean;
  /** Descriptor of a terminal that stands for the caller's; null: the caller has one, or none is needed. */
  readonly console: number | null;
  /** File for the runtime's own messages. */
  readonly log: string;
  /** Keep the stopped container until `remove`, so that its cgroup can be read; what cannot do so goes without. */
  readonly keep: boolean;
}

export interface ExecStart {
  /** Of a container that runs. */
  readonly id: string;
  /** File with the process of the runtime configuration. */
  readonly processFile: string;
  /** Where the runtime writes the process's pid. */
  readonly pidFile: string;
  /** Whether standard input is the caller's; otherwise the process reads end-of-file. */
  readonly interactive: boolean;
  /** Whether the process has a terminal, which the runtime connects to the caller's. */
  readonly terminal: boolean;
  /** As of a run. */
  readonly console: number | null;
  /** Whether the runtime ends as soon as the process has started, which is then connected to nothing. */
  readonly detach: boolean;
  /** Gets what the process prints, piece by piece; absent: it goes where that of this process goes. */
  readonly capture?: ((bytes: Buffer) => void) | undefined;
  /** File for the runtime's own messages. */
  readonly log: string;
  /** Words in front of the runtime's command line: a program that becomes what follows them. */
  readonly within: readonly string[];
}

/** A further process whose standard streams are this process's to read and write. */
export interface StreamedExecStart extends Pick<ExecStart, 'id' | 'processFile' | 'pidFile' | 'log' | 'within'> {
  /** Whether standard input can be written to; otherwise the process reads end-of-file. */
  readonly input: boolean;
  /** Whether anybody reads what the process prints. */
  readonly output: boolean;
  /** Of a terminal, for all its streams; null: it has none. */
  readonly programEnd: number | null;
}

export interface StreamedProcess extends RunningContainer {
  /** Null with a terminal, and where it was not asked for, as the two others. */
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** Of the further process, as this machine counts; null: it has not been started yet. */
  readPid(): number | null;
  /** Lets this process end before it. */
  unref(): void;
}

export interface RuntimeExit {
  /** The container's own code; 128+n when signal n ended it. */
  readonly exitCode: number;
  /** What the runtime said when it failed itself; null when the container ran. */
  readonly failure: string | null;
}

export interface RunningContainer {
  /** Process of the runtime, which lives as long as what it has started; null when it could not be started. */
  readonly pid: number | null;
  readonly exited: Promise<RuntimeExit>;
  /** Passes a signal on to the container's first process, or to the one that was added. */
  forward(signal: NodeJS.Signals | number): void;
  /** Ends every process of the container with SIGKILL; of one that was added, that alone. */
  killAll(): Promise<void>;
}

/** A runtime that has been started before its configuration was there. */
export interface WaitingRuntime {
  /** Lets it run the bundle, of which there is a config.json now; null: it cannot, and has to be given up. */
  proceed(): RunningContainer | null;
  /** Ends it, unless it runs the bundle; settles when it is gone. */
  giveUp(): Promise<void>;
}

/** What the runtime knows of a container that there is. */
export interface RuntimeState {
  readonly status: 'creating' | 'created' | 'running' | 'paused' | 'stopped';
  /** Its first process, as this machine counts. */
  readonly pid: number;
}

export interface CreatedContainer {
  readonly id: string;
  /** File for the runtime's own messages. */
  readonly log: string;
}

/** An OCI runtime (runtime-spec v1.1.0 runtime.md#lifecycle). */
export interface Runtime {
  readonly path: string;
  start(request: StartRequest): RunningContainer;
  /** As `start`, before there is a config.json; null: this runtime cannot wait for one. */
  startWaiting(request: StartRequest): WaitingRuntime | null;
  /** Runs a further process in a container, beside its first one. */
  exec(request: ExecStart): RunningContainer;
  /** As `exec`, with streams for the caller. */
  execStreamed(request: StreamedExecStart): StreamedProcess;
  /** Ends a container if it still runs and removes its state and cgroup; without effect when there is none. */
  remove(id: string): Promise<void>;
  /**
   * Removes its state alone: of a container without processes and hooks, whose cgroup is gone, that is all there is.
   *
   * @returns false: that is not known of this runtime.
   */
  forget(id: string): boolean;
  /**
   * Runs the command of a container that was created.
   *
   * @returns what the runtime said when it could not; null when it runs.
   */
  startCreated(container: CreatedContainer): Promise<string | null>;
  /** Sends a signal to the first process of a container; false: it does not run. */
  signal(id: string, signal: number): Promise<boolean>;
  /** Stops all processes of a container where they are. @returns what the runtime said when it could not; else null */
  pause(id: string): Promise<string | null>;
  /** Lets the processes of a paused container go on. @returns as `pause` */
  resume(id: string): Promise<string | null>;
  /** Changes the limits of a container to the resources in a file. @returns as `pause` */
  update(id: string, resourcesFile: string): Promise<string | null>;
  /** Whether a container was created and still waits to be started. */
  isWaiting(id: string): Promise<boolean>;
  /** Null: it knows of no such container. */
  readState(id: string): Promise<RuntimeState | null>;
  /** Whether the runtime has state of this container. */
  hasState(id: string): boolean;
}
