import {allOptions, type Command} from '../command.ts';
import {GLOBAL_OPTIONS} from '../global-options.ts';
import {createProgram} from './program.ts';

const WIDEST_COLUMNS = 120;
const OVERVIEW = 'Pull, keep, export and run OCI images without a daemon.';

/** The page of `winch --help`. */
export async function renderOverview(commands: readonly Command[], columns: number): Promise<string> {
  const program = createProgram(GLOBAL_OPTIONS)
    .usage(`winch COMMAND [OPTION...]\n\n${OVERVIEW}`)
    .wrap(Math.min(columns, WIDEST_COLUMNS))
    .epilogue('winch COMMAND --help shows the options of a command with examples.');
  for (const {name, summary} of commands) program.command(name, summary, {});
  return program.getHelp();
}

/** The page of `winch GROUP --help`: its commands. */
export async function renderGroupHelp(group: string, commands: readonly Command[], columns: number): Promise<string> {
  const program = createProgram(GLOBAL_OPTIONS)
    .usage(`winch ${group} COMMAND [OPTION...]`)
    .wrap(Math.min(columns, WIDEST_COLUMNS))
    .epilogue(`winch ${group} COMMAND --help shows the options of a command with examples.`);
  for (const {name, summary} of commands) if (name.startsWith(`${group} `)) program.command(name, summary, {});
  return program.getHelp();
}

/** The page of `winch COMMAND --help`. */
export async function renderCommandHelp(command: Command, columns: number): Promise<string> {
  const {name, summary, description, positionals, examples, options} = command;
  const usage = `winch ${name} ${Object.keys(options).length > 0 ? '[OPTION...] ' : ''}${positionals.usage}`.trimEnd();
  const text = description === undefined ? `${summary}.` : `${summary}. ${description}`;
  const program = createProgram(allOptions(command))
    .usage(`${usage}\n\n${text}`)
    .wrap(Math.min(columns, WIDEST_COLUMNS))
    .example(examples.map(([line, meaning]): [string, string] => [line, meaning]));
  return program.getHelp();
}
