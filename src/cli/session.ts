import {isAbsolute, resolve} from 'node:path';
import {isWinchError} from '../errors.ts';
import type {WinchEvent} from '../events.ts';
import type {Toolkit, ToolkitOptions} from '../toolkit.ts';
import type {Watchers, WireRecord} from '../trace.ts';
import type {OptionTable, OptionValues} from './arguments/option-table.ts';
import type {Command, CommandContext, Invocation, OpenOptions} from './command.ts';
import {type Environment, resolvePlaces, resolveToolkitOptions} from './environment.ts';
import type {GLOBAL_OPTIONS} from './global-options.ts';
import type {Interrupts} from './interrupts.ts';
import {giveCredential} from './login-settings.ts';
import {describeEvent} from './render/describe-event.ts';
import {createLazyProgress} from './render/lazy-progress.ts';
import type {Output, Terminal} from './render/output.ts';
import {chooseProgress, createLineProgress, type Progress} from './render/progress.ts';
import {createRawWriter} from './render/raw-writer.ts';
import {safeJson} from './render/safe-text.ts';
import {createTerminalProgress} from './render/terminal-progress.ts';
import {describeWire} from './render/wire.ts';
import type {TraceFile} from './trace-file.ts';

/** The process as the CLI sees it; tests hand in their own. */
export interface World {
  readonly environment: Environment;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Standard error as something to draw on; null when it is no terminal. Made on demand: few commands need it. */
  terminal(): Terminal | null;
  readonly interrupts: Interrupts;
  readonly openToolkit: (options: ToolkitOptions) => Promise<Toolkit>;
  /** See `CommandContext`. */
  readonly becomeRoot: (runtimeDirectory: string) => Promise<void>;
  readonly becomeRootOf: CommandContext['becomeRootOf'];
}

type GlobalValues = OptionValues<typeof GLOBAL_OPTIONS>;

/** Calls the handler with a context of its own and closes what that opened. */
export async function runHandler(command: Command, invocation: Invocation<OptionTable>, world: World): Promise<number> {
  const {values} = invocation;
  const progress = createLazyProgress(() => openProgress(world, values), {showsAll: values.progress === 'json'});
  const trace = await openTrace(world, command, values);
  const opened: Toolkit[] = [];
  try {
    const context = createContext(world, {values, progress, opened, trace});
    return (await command.handle(invocation, context)) ?? 0;
  } finally {
    progress.stop();
    for (const toolkit of opened) await toolkit.close();
    writeTrace(trace, world);
  }
}

async function openTrace({environment, interrupts}: World, {name}: Command, {trace: file}: GlobalValues) {
  if (file === undefined) return null;
  const {openTraceFile} = await import('./trace-file.ts');
  const path = resolve(isAbsolute(file) ? '' : environment.workingDirectory(), file);
  const trace = openTraceFile(path, {command: `winch ${name}`});
  interrupts.beforeExit(trace.write);
  return trace;
}

/** A lost trace is no failure of the command, and must not hide one. */
function writeTrace(trace: TraceFile | null, {stderr}: World): void {
  try {
    trace?.write();
  } catch (error) {
    if (!isWinchError(error)) throw error;
    stderr.write(`${describeEvent({type: 'warning:raised', code: error.code, message: error.message})}\n`);
  }
}

function openProgress(world: World, values: GlobalValues): Progress {
  const {variables} = world.environment;
  const isQuiet = values.quiet ?? false;
  // Bars would be torn apart by the lines of the wire.
  const flag = values.debug && (values.progress ?? 'auto') === 'auto' && !isQuiet ? 'plain' : values.progress;
  const target = chooseProgress({flag, isQuiet, terminal: world.terminal(), variables});
  if (typeof target === 'string') return createLineProgress(target, world.stderr);
  return createTerminalProgress(target, {hasColor: !variables.NO_COLOR});
}

interface Session {
  readonly values: GlobalValues;
  readonly progress: Progress;
  readonly opened: Toolkit[];
  readonly trace: TraceFile | null;
}

function createContext(world: World, session: Session): CommandContext {
  const {values, progress, trace} = session;
  const writeRaw = createRawWriter(world.stdout, world.environment.stdoutIsTerminal);
  let noteEnd = () => {};
  return {
    environment: world.environment,
    signal: world.interrupts.signal,
    durability: values.durability ?? 'full',
    onEvent: (event: WinchEvent) => {
      // From here on signals are the container's: the library forwards them.
      if (event.type === 'exec:started') world.interrupts.release();
      if (event.type === 'container:started') noteEnd = world.interrupts.handOver();
      if (event.type === 'container:exited' || event.type === 'container:abandoned') noteEnd();
      trace?.onEvent(event);
      progress.onEvent(event);
    },
    print: (text) => {
      progress.stop();
      world.stdout.write(`${text}\n`);
    },
    writeBytes: (piece) => {
      progress.stop();
      return writeRaw(piece);
    },
    passOn: (stream, bytes) => {
      progress.stop();
      return world[stream].write(bytes) !== false;
    },
    remark: (text) => {
      progress.stop();
      if (!values.quiet && values.progress !== 'json') world.stderr.write(`${text}\n`);
    },
    openToolkit: (options) => openToolkit(world, session, options),
    becomeRoot: () => world.becomeRoot(placesOf(world, values).runtimeDirectory),
    becomeRootOf: world.becomeRootOf,
    becomeRootOfStore: () => becomeRootOfStore(world, values),
  };
}

const placesOf = ({environment}: World, {root}: GlobalValues) => resolvePlaces(environment, root);

async function becomeRootOfStore(world: World, values: GlobalValues): Promise<void> {
  if (world.environment.userId === 0) return;
  const {root, runtimeDirectory} = placesOf(world, values);
  const {mayHoldForeignFiles} = await import('../store/foreign-files.ts');
  if (!mayHoldForeignFiles(root)) return;
  try {
    await world.becomeRoot(runtimeDirectory);
  } catch (error) {
    // Then nothing there can belong to anybody else, or the disk will say what it is.
    if (!isWinchError(error, 'USER_NAMESPACE_DENIED')) throw error;
  }
}

async function openToolkit(
  world: World,
  session: Session,
  {references = [], registry = {}}: OpenOptions = {},
): Promise<Toolkit> {
  const {values, opened} = session;
  const {login = {}, ...settings} = registry;
  const given = giveCredential(login, world.environment);
  const insecureRegistries = values.insecure ? await registriesOf(references) : [];
  const registries = given ? await registriesOf(await namesIn(references)) : [];
  const {root, durability, snapshotter} = values;
  const options = resolveToolkitOptions(world.environment, {root, durability, snapshotter, insecureRegistries});
  const toolkit = await world.openToolkit({
    ...options,
    ...(given && {credential: {registries, credential: given}}),
    ...settings,
    ...watchersOf(world, session),
  });
  opened.push(toolkit);
  return toolkit;
}

function watchersOf(world: World, {values, trace}: Session): Watchers {
  const onWire = (record: WireRecord) => {
    const line = values.progress === 'json' ? safeJson(record) : describeWire(record);
    world.stderr.write(`${line}\n`);
  };
  return {...(trace && {onSpan: trace.onSpan}), ...(values.debug && {onWire})};
}

async function registriesOf(references: readonly string[]): Promise<readonly string[]> {
  const {parseReference} = await import('../oci/reference.ts');
  return [...new Set(references.map((reference) => parseReference(reference).registry))];
}

/** Without image ids, which have no registry, and without mistakes, which the command itself will report. */
async function namesIn(words: readonly string[]): Promise<readonly string[]> {
  const {parseReference} = await import('../oci/reference.ts');
  return words.filter((word) => {
    try {
      return parseReference(word).registry !== '';
    } catch (error) {
      if (isWinchError(error, 'REFERENCE_INVALID')) return false;
      throw error;
    }
  });
}
