import {WinchError} from '../../errors.ts';
import {findNearest} from './nearest.ts';
import type {OptionSpec, OptionTable, OptionValues} from './option-table.ts';
import {flagInvalid, quote} from './usage-error.ts';

export interface ReadOptions {
  /** Whether flags end at the first word that is none (`run IMAGE COMMAND --flag-of-command`). */
  readonly stopsAtPositional?: boolean;
  /** How error texts name the command (`winch run`). */
  readonly commandName: string;
}

export interface ReadArguments<T extends OptionTable> {
  readonly values: OptionValues<T>;
  readonly positionals: readonly string[];
}

interface Flag {
  readonly name: string;
  readonly spec: OptionSpec;
}

interface Reading {
  readonly flags: ReadonlyMap<string, Flag>;
  readonly values: Record<string, boolean | string | string[]>;
  readonly commandName: string;
}

/**
 * Reads flags as docker's do (spf13/pflag): `--env A=b`, `--env=A=b`, `-e A=b`, `-eA=b`, `-e=A=b`, `-it`, `--rm=false`;
 * a value may start with a dash; `--` ends the flags.
 *
 * Written here because `util.parseArgs` has no `-i=false` and `yargs-parser` no `-eA=b`, and because yargs costs 70 ms
 * to load where a bare Node starts in 28.
 *
 * @throws {WinchError} `FLAG_UNKNOWN` | `FLAG_INVALID` | `FLAG_WITHOUT_VALUE`
 */
export function readArguments<T extends OptionTable>(
  words: readonly string[],
  table: T,
  options: ReadOptions,
): ReadArguments<T> {
  const reading: Reading = {flags: indexFlags(table), values: {}, commandName: options.commandName};
  const positionals: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    if (word === '--') {
      positionals.push(...words.slice(index + 1));
      break;
    }
    if (word === '-' || !word.startsWith('-')) {
      positionals.push(word);
      if (!options.stopsAtPositional) continue;
      positionals.push(...words.slice(index + 1));
      break;
    }
    const takesNext = word.startsWith('--') ? readLong : readCluster;
    if (takesNext(reading, word, words[index + 1])) index++;
  }
  return {values: reading.values as OptionValues<T>, positionals};
}

/** Every way to write each flag of a table (`--env`, `-e`); of two flags with one letter, the first has it. */
export function indexFlags(table: OptionTable): ReadonlyMap<string, Flag> {
  const flags = new Map<string, Flag>();
  for (const [name, spec] of Object.entries(table)) {
    for (const long of [name, ...(spec.aliases ?? [])]) flags.set(`--${long}`, {name, spec});
    const short = `-${spec.short}`;
    if (spec.short !== undefined && !flags.has(short)) flags.set(short, {name, spec});
  }
  return flags;
}

// The readers tell whether the next word was taken as the value.
function readLong(reading: Reading, word: string, next: string | undefined): boolean {
  const equals = word.indexOf('=');
  const written = equals === -1 ? word : word.slice(0, equals);
  const flag = findFlag(reading, written);
  if (equals !== -1) return assign(reading, flag, {written, value: word.slice(equals + 1)});
  if (flag.spec.kind === 'flag') return assign(reading, flag, {written, value: 'true'});
  return assignNext(reading, flag, {written, value: next});
}

function readCluster(reading: Reading, word: string, next: string | undefined): boolean {
  for (let index = 1; index < word.length; index++) {
    const written = `-${word[index]}`;
    const flag = findFlag(reading, written);
    const rest = word.slice(index + 1);
    if (rest.startsWith('=') && rest.length > 1) return assign(reading, flag, {written, value: rest.slice(1)});
    if (flag.spec.kind === 'flag') assign(reading, flag, {written, value: 'true'});
    else if (rest !== '') return assign(reading, flag, {written, value: rest});
    else return assignNext(reading, flag, {written, value: next});
  }
  return false;
}

function findFlag(reading: Reading, written: string): Flag {
  const flag = reading.flags.get(written);
  if (flag) return flag;
  const nearest = written.startsWith('--') ? findNearest(written, reading.flags.keys()) : null;
  throw new WinchError('FLAG_UNKNOWN', `${reading.commandName} has no flag ${quote(written)}`, {
    kind: 'invalid',
    hint: nearest === null ? `see ${reading.commandName} --help` : `did you mean ${nearest}?`,
  });
}

function assignNext(reading: Reading, flag: Flag, given: {written: string; value: string | undefined}): true {
  const {written, value} = given;
  if (value === undefined) {
    throw new WinchError('FLAG_WITHOUT_VALUE', `${written} needs a value`, {
      kind: 'invalid',
      hint: `write ${written} ${flag.spec.placeholder ?? 'VALUE'}`,
    });
  }
  assign(reading, flag, {written, value});
  return true;
}

function assign(reading: Reading, {name, spec}: Flag, given: {written: string; value: string}): false {
  const {written, value} = given;
  if (spec.choices && !spec.choices.includes(value)) {
    throw flagInvalid(written, `${quote(value)} is not one of its values`, spec.choices.join(', '));
  }
  const before = reading.values[name];
  if (spec.kind === 'list') reading.values[name] = Array.isArray(before) ? [...before, value] : [value];
  else reading.values[name] = spec.kind === 'flag' ? parseBoolean(written, value) : value;
  return false;
}

function parseBoolean(written: string, value: string): boolean {
  if (/^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw flagInvalid(written, `${quote(value)} is neither true nor false`, `${written}=true or ${written}=false`);
}
