import {isArray, isBoolean, isPlainObject, isString} from '@sindresorhus/is';
import type {HostWarning} from './host-plan.ts';
import {configInvalid, type TomlTable} from './toml-document.ts';

export interface TableReaderOptions {
  readonly file: string;
  /** How the table is called in messages: `[[registry]] docker.io`. */
  readonly entry: string;
  /** Which table a key belongs to, for those that stand in a wrong one. */
  readonly homes: Readonly<Record<string, string>>;
  readonly warn: (warning: HostWarning) => void;
}

/** Reads a table key by key, strict about types, and tells of keys that nobody asked for. */
export interface TableReader {
  text(key: string): string | undefined;
  boolean(key: string): boolean | undefined;
  texts(key: string): readonly string[] | undefined;
  table(key: string): TomlTable | undefined;
  tables(key: string): readonly TomlTable[];
  /** As it is. */
  value(key: string): unknown;
  /** Known, but without meaning for winch. */
  ignore(...keys: readonly string[]): void;
  /** Warns about the keys that were not read: `SETTING_UNKNOWN`. */
  finish(): void;
  /** The error for a value that cannot be used. */
  invalid(key: string, wanted: string): Error;
}

/** Opens a table for reading. */
export function openTableReader(table: TomlTable, options: TableReaderOptions): TableReader {
  const {file, entry} = options;
  const read = new Set<string>();
  const value = (key: string): unknown => {
    read.add(key);
    return Object.hasOwn(table, key) ? table[key] : undefined;
  };
  const invalid = (key: string, wanted: string) => configInvalid(file, `"${key}" of ${entry} has to be ${wanted}`);
  const as = <T>(key: string, wanted: string, isWanted: (found: unknown) => found is T): T | undefined => {
    const found = value(key);
    if (found === undefined || isWanted(found)) return found;
    throw invalid(key, wanted);
  };
  return {
    value,
    invalid,
    text: (key) => as(key, 'a text', isString),
    boolean: (key) => as(key, 'true or false', isBoolean),
    texts: (key) => as(key, 'a list of texts', (found) => isArray(found, isString)),
    table: (key) => as(key, `a table, [${key}]`, isTable),
    tables: (key) => as(key, `a list of tables, [[${key}]]`, isTables) ?? [],
    ignore: (...keys) => {
      for (const key of keys) read.add(key);
    },
    finish: () => {
      for (const key of Object.keys(table).filter((name) => !read.has(name))) {
        options.warn({code: 'SETTING_UNKNOWN', message: describeUnknown(key, options)});
      }
    },
  };
}

const isTable = (value: unknown): value is TomlTable => isPlainObject(value);
const isTables = (value: unknown): value is readonly TomlTable[] => isArray(value, isTable);

function describeUnknown(key: string, {file, entry, homes}: TableReaderOptions): string {
  const home = homes[key];
  const told = `${file}: ${entry} has a key "${key}" that means nothing there and is ignored`;
  if (home !== undefined) return `${told}; it belongs to ${home}`;
  const meant = Object.keys(homes).find((known) => simplify(known) === simplify(key));
  return meant === undefined ? told : `${told}; did you mean "${meant}" of ${homes[meant]}?`;
}

const simplify = (key: string): string => key.toLowerCase().replace(/[-_]/g, '').replace(/s$/, '');
