import {WinchError} from '../errors.ts';
import {findNearest} from './arguments/nearest.ts';
import {flag, type OptionValues} from './arguments/option-table.ts';
import {readArguments} from './arguments/read-arguments.ts';
import {quote} from './arguments/usage-error.ts';
import {commandGroups, commandNames, commandsOfGroup, isCommandGroup, loadCommand, loadCommands} from './catalogue.ts';
import {allOptions, type Command, type Invocation} from './command.ts';
import {exitCodeOf} from './exit-codes.ts';
import {GLOBAL_OPTIONS} from './global-options.ts';
import {formatError} from './report-error.ts';
import {runHandler, type World} from './session.ts';
import {readVersion} from './version.ts';

const LEADING_OPTIONS = {...GLOBAL_OPTIONS, version: flag('Print the version', {short: 'v'})};

type GlobalValues = OptionValues<typeof LEADING_OPTIONS>;

/**
 * Runs one command line and reports what went wrong with it.
 *
 * @param words Without the interpreter and the script.
 * @returns The exit code, never an error.
 */
export async function runCommandLine(words: readonly string[], world: World): Promise<number> {
  let command: Command | null = null;
  let values: GlobalValues = {};
  try {
    const leading = readArguments(words, LEADING_OPTIONS, {commandName: 'winch', stopsAtPositional: true});
    values = leading.values;
    const {name, rest} = splitName(leading.positionals);
    if (values.version) return print(world, `winch ${readVersion()}`);
    if (name === undefined || name === 'help' || values.help)
      return await printHelp(world, name === 'help' ? splitName(rest).name : name);
    if (isCommandGroup(name) && rest.some((word) => word === '--help' || word === '-h'))
      return await printHelp(world, name);
    command = await findCommand(name);
    const invocation = readInvocation(command, values, rest);
    values = invocation.values;
    if (values.help) return await printHelp(world, name);
    checkPositionals(command, invocation.positionals);
    return await runHandler(command, invocation, world);
  } catch (error) {
    const {signal} = world.interrupts;
    const cause: unknown = signal.aborted ? signal.reason : error;
    const options = {asJson: values.progress === 'json', withStack: values.debug ?? false};
    world.stderr.write(formatError(cause, options));
    return exitCodeOf(cause, command?.failureExitCode);
  }
}

/** The name of a command has two words where the first is a group's (`registry explain`). */
function splitName(words: readonly string[]): {readonly name: string | undefined; readonly rest: readonly string[]} {
  const [first, second, ...rest] = words;
  if (first === undefined || second === undefined || !isCommandGroup(first) || second.startsWith('-'))
    return {name: first, rest: words.slice(1)};
  return {name: `${first} ${second}`, rest};
}

async function findCommand(name: string): Promise<Command> {
  const command = await loadCommand(name);
  if (command) return command;
  if (isCommandGroup(name)) {
    throw new WinchError('COMMAND_UNKNOWN', `winch ${name} needs a second word`, {
      kind: 'invalid',
      hint: `one of ${commandsOfGroup(name).join(', ')}`,
    });
  }
  const nearest = findNearest(name, [...commandNames(), ...commandGroups()]);
  const [group = ''] = name.split(' ');
  const page = isCommandGroup(group) ? `winch ${group} --help` : 'winch --help';
  throw new WinchError('COMMAND_UNKNOWN', `winch has no command ${quote(name)}`, {
    kind: 'invalid',
    hint: nearest === null ? `see ${page}` : `did you mean winch ${nearest}?`,
  });
}

function readInvocation(
  command: Command,
  leading: GlobalValues,
  words: readonly string[],
): Invocation<typeof LEADING_OPTIONS> {
  const {values, positionals} = readArguments(words, allOptions(command), {
    commandName: `winch ${command.name}`,
    stopsAtPositional: command.stopsAtPositional ?? false,
  });
  return {values: {...leading, ...values}, positionals};
}

function checkPositionals({name, positionals}: Command, given: readonly string[]): void {
  const {usage, minimum, maximum = Number.POSITIVE_INFINITY} = positionals;
  if (given.length >= minimum && given.length <= maximum) return;
  const problem =
    given.length < minimum ? 'too few arguments' : `too many arguments from ${quote(given[maximum] ?? '')} on`;
  throw new WinchError('ARGUMENTS_INVALID', `winch ${name}: ${problem}`, {
    kind: 'invalid',
    hint: `write ${`winch ${name} ${usage}`.trimEnd()}; see winch ${name} --help`,
  });
}

async function printHelp(world: World, name: string | undefined): Promise<number> {
  const {renderCommandHelp, renderGroupHelp, renderOverview} = await import('./help/help-page.ts');
  const columns = world.terminal()?.columns ?? 100;
  if (name === undefined) return print(world, await renderOverview(await loadCommands(), columns));
  if (isCommandGroup(name)) return print(world, await renderGroupHelp(name, await loadCommands(), columns));
  return print(world, await renderCommandHelp(await findCommand(name), columns));
}

function print(world: World, text: string): 0 {
  world.stdout.write(`${text}\n`);
  return 0;
}
