import type {EventSink} from '../events.ts';
import type {Toolkit} from '../toolkit.ts';
import type {OptionTable, OptionValues} from './arguments/option-table.ts';
import type {Environment} from './environment.ts';
import {GLOBAL_OPTIONS} from './global-options.ts';
import type {RegistryFlagSettings} from './options/registry.ts';

/** A command of winch: what it takes as data, and what it does. */
export interface Command<T extends OptionTable = OptionTable> {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Below the usage line of its own help page. */
  readonly description?: string;
  readonly positionals: Positionals;
  readonly options: T;
  /** Whether flags end at the first positional: what follows belongs to somebody else. */
  readonly stopsAtPositional?: boolean;
  /** Command lines, each with what it does. */
  readonly examples: readonly (readonly [string, string])[];
  /** Left out of help and completion. */
  readonly isHidden?: boolean;
  /** Every failure of winch itself ends with this code instead of the one of its kind. */
  readonly failureExitCode?: number;
  /**
   * Parses its values, makes one call and prints what that returns.
   *
   * @returns The exit code; nothing means 0.
   */
  handle(invocation: Invocation<T>, context: CommandContext): Promise<number | undefined>;
}

export interface Positionals {
  /** As the usage line shows them (`SOURCE TARGET`). */
  readonly usage: string;
  readonly minimum: number;
  /** Absent: any number. */
  readonly maximum?: number;
  /** How many of them, from the first that may be, are local images; completion offers those. */
  readonly images?: number;
  /** How many come before those; absent: none. */
  readonly beforeImages?: number;
  /** Whether they are containers; completion offers those. */
  readonly areContainers?: boolean;
  /** Whether they are volumes; completion offers those. */
  readonly areVolumes?: boolean;
  /** How many of them, from the first, are containers; absent: all. */
  readonly maximumContainers?: number;
}

export interface Invocation<T extends OptionTable> {
  readonly values: OptionValues<T & typeof GLOBAL_OPTIONS>;
  readonly positionals: readonly string[];
}

/** What a handler may use. Everything it prints or asks goes through here, so tests can hold the other end. */
export interface CommandContext {
  readonly environment: Environment;
  readonly signal: AbortSignal;
  /** Whether files of the result survive a power cut, as what is stored does. */
  readonly durability: 'full' | 'fast';
  readonly onEvent: EventSink;
  /** Writes a piece of the result to standard output and ends it with a newline. Foreign text must be escaped before. */
  print(text: string): void;
  /**
   * Writes a piece of the result to standard output byte for byte; on a terminal its control characters are escaped.
   *
   * @returns False: nobody reads any more, so the rest is in vain.
   */
  writeBytes(piece: Uint8Array): boolean;
  /** Passes on what a container has written, byte for byte also to a terminal. @returns False: nobody reads any more. */
  passOn(stream: 'stdout' | 'stderr', bytes: Uint8Array): boolean;
  /** Writes a remark to standard error, unless `--quiet`. */
  remark(text: string): void;
  /** Opens the store; it is closed when the command ends. */
  openToolkit(options?: OpenOptions): Promise<Toolkit>;
  /**
   * For what only root can do: for another user the command starts anew as root of a user namespace. To be called before
   * anything is done or read.
   */
  becomeRoot(): Promise<void>;
  /**
   * As `becomeRoot`, in the user namespace of a process.
   *
   * @param findProcess Asked only when another user calls; null: there is no such process, and nothing is done.
   */
  becomeRootOf(findProcess: () => Promise<number | null>): Promise<void>;
  /**
   * As `becomeRoot`, where the store may hold files that its owner can neither read nor remove otherwise. Goes on as it is
   * where that cannot be done.
   */
  becomeRootOfStore(): Promise<void>;
}

export interface OpenOptions {
  /** Images of the command line: `--insecure`, `--creds` and `--registry-token` are about their registries. */
  readonly references?: readonly string[];
  /** What flags of the command say, over what the environment says. */
  readonly registry?: RegistryFlagSettings;
}

/** Types a command's handler by its own option table. */
export const defineCommand = <T extends OptionTable>(command: Command<T>): Command => command;

/** The flags that a command understands: its own, which win, before the global ones. */
export const allOptions = ({options}: Command): OptionTable => ({...options, ...GLOBAL_OPTIONS, ...options});
