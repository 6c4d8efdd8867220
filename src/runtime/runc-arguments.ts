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

/** Ends a container with SIGKILL if it still runs and removes its state and cgroup. */
export const deleteArguments = (flags: RuntimeFlags, id: string): readonly string[] => [
  ...globalArguments(flags),
  'delete',
  '--force',
  id,
];

const globalArguments = ({root, log}: RuntimeFlags): readonly string[] => [
  '--root',
  root,
  ...(log === undefined ? [] : ['--log', log, '--log-format', 'json']),
];
