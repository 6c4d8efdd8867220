/** Global flags of an OCI runtime with runc's command line. */
export interface RuntimeFlags {
  /** Where the runtime keeps the state of its containers. */
  readonly root: string;
  /** Where it writes its own messages, as JSON lines; absent: standard error. */
  readonly log?: string;
}

export interface RunFlags {
  readonly id: string;
  readonly bundle: string;
  /** Leaves the stopped container and its cgroup in place. */
  readonly keep: boolean;
}

export const runArguments = (flags: RuntimeFlags, {id, bundle, keep}: RunFlags): readonly string[] => [
  ...globalArguments(flags),
  'run',
  '--bundle',
  bundle,
  ...(keep ? ['--keep'] : []),
  id,
];

export interface ExecFlags {
  readonly id: string;
  /** File with the process of the runtime configuration. */
  readonly processFile: string;
  /** Where the runtime writes the process's pid. */
  readonly pidFile: string;
  /** Whether the runtime ends as soon as the process has started. */
  readonly detach: boolean;
}

/** Runs a further process in a container. */
export const execArguments = (
  flags: RuntimeFlags,
  {id, processFile, pidFile, detach}: ExecFlags,
): readonly string[] => [
  ...globalArguments(flags),
  'exec',
  '--process',
  processFile,
  '--pid-file',
  pidFile,
  ...(detach ? ['--detach'] : []),
  id,
];

export const killArguments = (flags: RuntimeFlags, id: string, signal: string): readonly string[] => [
  ...globalArguments(flags),
  'kill',
  id,
  signal,
];

/** Lets a container that was created run its command. */
export const startArguments = (flags: RuntimeFlags, id: string): readonly string[] => [
  ...globalArguments(flags),
  'start',
  id,
];

/** Stops the processes of a container where they are. */
export const pauseArguments = (flags: RuntimeFlags, id: string): readonly string[] => [
  ...globalArguments(flags),
  'pause',
  id,
];

/** Lets the processes of a paused container go on. */
export const resumeArguments = (flags: RuntimeFlags, id: string): readonly string[] => [
  ...globalArguments(flags),
  'resume',
  id,
];

/** Changes the limits of a container to those of a file. */
export const updateArguments = (flags: RuntimeFlags, id: string, resources: string): readonly string[] => [
  ...globalArguments(flags),
  'update',
  '--resources',
  resources,
  id,
];

/** Prints what the runtime knows of a container, as JSON. */
export const stateArguments = (flags: RuntimeFlags, id: string): readonly string[] => [
  ...globalArguments(flags),
  'state',
  id,
];

/** Ends a container with SIGKILL if it still runs and removes its state and cgroup. */
export const deleteArguments = (flags: RuntimeFlags, id: string): readonly string[] => [
  ...globalArguments(flags),
  'delete',
  '--force',
  id,
];

/** What comes before the runtime's command. */
export const globalArguments = ({root, log}: RuntimeFlags): readonly string[] => [
  '--root',
  root,
  ...(log === undefined ? [] : ['--log', log, '--log-format', 'json']),
];
