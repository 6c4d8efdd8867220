import yargs, {type Argv, type Options} from 'yargs';
import type {OptionSpec, OptionTable} from '../arguments/option-table.ts';
import {indexFlags} from '../arguments/read-arguments.ts';

/**
 * A yargs program over an option table: the pages of `--help`, and the proof that the table means to yargs what it means
 * to the reader (test/cli/arguments/agreement.test.ts).
 */
export function createProgram(table: OptionTable, settings: {readonly stopsAtPositional?: boolean} = {}): Argv {
  const program = yargs()
    .scriptName('winch')
    .detectLocale(false)
    .exitProcess(false)
    .help(false)
    .version(false)
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'greedy-arrays': false,
      'halt-at-non-option': settings.stopsAtPositional ?? false,
      'nargs-eats-options': true,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'strip-aliased': true,
    });
  for (const [name, spec] of ownFirst(withOwnShorts(table))) program.option(name, toYargs(spec));
  return program;
}

/** Groups stand on the page in the order in which their first flags come. */
const ownFirst = (table: OptionTable): readonly (readonly [string, OptionSpec])[] =>
  Object.entries(table).toSorted(([, one], [, other]) => Number(hasGroup(one)) - Number(hasGroup(other)));

const hasGroup = ({group}: OptionSpec): boolean => group !== undefined;

function toYargs(spec: OptionSpec): Options {
  const {kind, description, placeholder, short, aliases = [], choices, group, defaultsTo} = spec;
  return {
    description: placeholder === undefined || choices ? description : `${description} (${placeholder})`,
    alias: [...(short === undefined ? [] : [short]), ...aliases],
    ...(kind === 'flag' ? {type: 'boolean'} : {type: 'string', nargs: 1, array: kind === 'list'}),
    ...(choices && {choices}),
    group: group ?? 'Options:',
    ...(defaultsTo !== undefined && {defaultDescription: defaultsTo}),
  };
}

// yargs gives a letter to the last flag that claims it, the reader to the first.
function withOwnShorts(table: OptionTable): OptionTable {
  const flags = indexFlags(table);
  return Object.fromEntries(
    Object.entries(table).map(([name, spec]) => {
      const {short, ...rest} = spec;
      return [name, flags.get(`-${short}`)?.name === name ? spec : rest];
    }),
  );
}
