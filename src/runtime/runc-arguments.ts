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
