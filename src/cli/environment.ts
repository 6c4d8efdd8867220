import {isAbsolute, join, resolve} from 'node:path';
import {WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';
import {isSnapshotterName, SNAPSHOTTERS} from '../snapshots/snapshotter.ts';
import type {ToolkitOptions} from '../toolkit.ts';
import {findHostSettings} from './host-settings.ts';
import type {Keyboard} from './keyboard.ts';
import {findLoginSettings} from './login-settings.ts';
import type {Question} from './prompt.ts';
import {readVersion} from './version.ts';

/** What the CLI takes from the process around it, read once in main. */
export interface Environment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly userId: number;
  /** `$HOME`, else the account's. */
  readonly homeDirectory: string;
  /** Asked only when a relative path needs it: the directory may be gone. */
  workingDirectory(): string;
  stdinIsTerminal(): boolean;
  stdoutIsTerminal(): boolean;
  /** The terminal that standard input is; null: it is something else. */
  openKeyboard(): Promise<Keyboard | null>;
  /** Asks on the terminal that standard input is; see `askOnTerminal`. */
  ask(question: Question): Promise<string>;
  readStandardInput(options: {readonly limitBytes: number; readonly signal: AbortSignal}): Promise<Buffer>;
  /** Its bytes as they come, until the signal. */
  openStandardInput(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

export interface ToolkitFlags {
  readonly root?: string | undefined;
  readonly durability?: 'full' | 'fast' | undefined;
  readonly snapshotter?: ToolkitOptions['snapshotter'];
  readonly insecureRegistries?: readonly string[] | undefined;
}

/**
 * The store: `--root`, else `$WINCH_ROOT`, else `/var/lib/winch` for root and `$XDG_DATA_HOME/winch` for others. Running
 * containers: `/run/winch` for root, `$XDG_RUNTIME_DIR/winch` for others, inside the store where there is none. As the
 * XDG base directory specification demands, relative values of its variables count as absent.
 */
export function resolvePlaces(environment: Environment, flag: string | undefined) {
  const root = findRoot(environment, flag);
  return {root, runtimeDirectory: findRuntimeDirectory(environment, root)};
}

/**
 * Turns environment and flags into the library's options.
 *
 * @throws {WinchError} `SNAPSHOTTER_UNKNOWN`
 */
export function resolveToolkitOptions(environment: Environment, flags: ToolkitFlags): ToolkitOptions {
  const insecure = flags.insecureRegistries ?? [];
  return {
    ...resolvePlaces(environment, flags.root),
    ...findLoginSettings(environment),
    ...findHostSettings(environment),
    durability: flags.durability ?? 'full',
    snapshotter: flags.snapshotter ?? findSnapshotter(environment),
    userAgent: `winch/${readVersion()}`,
    helperEnvironment: setVariables(environment),
    ...(insecure.length > 0 && {insecureRegistries: insecure}),
  };
}

function findRoot(environment: Environment, flag: string | undefined): string {
  const given = flag || environment.variables.WINCH_ROOT;
  if (given) return isAbsolute(given) ? resolve(given) : resolve(environment.workingDirectory(), given);
  if (environment.userId === 0) return '/var/lib/winch';
  const data = absolute(environment.variables.XDG_DATA_HOME) ?? join(environment.homeDirectory, '.local', 'share');
  return join(data, 'winch');
}

function findRuntimeDirectory(environment: Environment, root: string): string {
  if (environment.userId === 0) return '/run/winch';
  const runtime = absolute(environment.variables.XDG_RUNTIME_DIR);
  return runtime === undefined ? join(root, 'run') : join(runtime, 'winch');
}

function findSnapshotter({variables: {WINCH_SNAPSHOTTER: name}}: Environment): ToolkitOptions['snapshotter'] {
  if (!name) return undefined;
  if (isSnapshotterName(name)) return name;
  throw new WinchError('SNAPSHOTTER_UNKNOWN', `WINCH_SNAPSHOTTER names the unknown driver ${excerpt(name)}`, {
    kind: 'invalid',
    hint: `known are ${SNAPSHOTTERS.join(', ')}`,
  });
}

const setVariables = ({variables}: Environment): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined));

const absolute = (path: string | undefined): string | undefined =>
  path !== undefined && isAbsolute(path) ? path : undefined;
