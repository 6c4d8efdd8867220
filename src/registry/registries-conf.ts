import {isNonEmptyString} from '@sindresorhus/is';
import type {HostWarning, SettingSource} from './host-plan.ts';
import {checkLocation, withoutLogin} from './location.ts';
import {openTableReader, type TableReader} from './table-reader.ts';
import {configInvalid, parseToml, type TomlTable} from './toml-document.ts';

/** One `[[registry.mirror]]`. */
export interface MirrorRule {
  /** `host[:port][/path]`; stands for the prefix of the rule. */
  readonly location: string;
  readonly isInsecure: boolean;
  readonly serves: 'all' | 'digest' | 'tag';
  readonly source: SettingSource;
}

/** One `[[registry]]`. */
export interface RegistryRule {
  /** What names of images begin with, or `*.domain`. */
  readonly prefix: string;
  /** What stands for the prefix; empty for a wildcard that stays as it is. */
  readonly location: string;
  readonly isInsecure: boolean;
  readonly isBlocked: boolean;
  readonly mirrors: readonly MirrorRule[];
  readonly source: SettingSource;
}

export interface RegistriesConf {
  readonly rules: readonly RegistryRule[];
  /** Whole names by short name, with the file that says so. */
  readonly aliases: ReadonlyMap<string, {readonly name: string; readonly file: string}>;
  readonly searchRegistries: {readonly names: readonly string[]; readonly file: string} | null;
}

interface ConfFile {
  readonly file: string;
  readonly warn: (warning: HostWarning) => void;
}

const TOP = 'the top of the file';
const HOMES: Readonly<Record<string, string>> = Object.freeze({
  registry: TOP,
  aliases: TOP,
  'unqualified-search-registries': TOP,
  'short-name-mode': TOP,
  'credential-helpers': TOP,
  prefix: '[[registry]]',
  location: '[[registry]]',
  insecure: '[[registry]]',
  blocked: '[[registry]]',
  mirror: '[[registry]], written as [[registry.mirror]]',
  'mirror-by-digest-only': '[[registry]]',
  'pull-from-mirror': '[[registry.mirror]]',
});
const SERVES: Readonly<Record<string, MirrorRule['serves']>> = Object.freeze({
  '': 'all',
  all: 'all',
  'digest-only': 'digest',
  'tag-only': 'tag',
});

/**
 * Reads a file in version 2 of the format. Keys that mean nothing where they stand are told of, since such a mirror
 * would be skipped in silence.
 *
 * @throws {WinchError} `REGISTRY_CONFIG_INVALID`
 * @see containers-registries.conf(5)
 */
export async function parseRegistriesConf(bytes: Uint8Array, source: ConfFile): Promise<RegistriesConf> {
  const {file, warn} = source;
  const top = openTableReader(await parseToml(bytes, file), {file, entry: TOP, homes: HOMES, warn});
  top.ignore('short-name-mode', 'credential-helpers', 'additional-layer-store-auth-helper');
  const rules = top.tables('registry').map((table) => parseRule(table, source));
  const names = top.texts('unqualified-search-registries');
  const aliases = Object.entries(top.table('aliases') ?? {}).map(([short, name]) => {
    if (typeof name !== 'string') throw configInvalid(file, `the alias "${short}" has to be a text`);
    return [short, {name, file}] as const;
  });
  if (top.value('registries') !== undefined) {
    const message = `${file}: [registries.*] is version 1 of the format, which is not read; write [[registry]]`;
    warn({code: 'SETTING_OUTDATED', message});
  }
  top.finish();
  return {rules, aliases: new Map(aliases), searchRegistries: names === undefined ? null : {names, file}};
}

/** Several files as one: a later rule for the same prefix replaces the earlier one; an empty alias takes one away. */
export function mergeRegistriesConfs(files: readonly RegistriesConf[]): RegistriesConf {
  const rules = new Map(files.flatMap((conf) => conf.rules.map((rule) => [rule.prefix, rule] as const)));
  const aliases = [...new Map(files.flatMap((conf) => [...conf.aliases]))].filter(([, {name}]) => name !== '');
  const searchRegistries = files.findLast((conf) => conf.searchRegistries !== null)?.searchRegistries ?? null;
  return {rules: [...rules.values()], aliases: new Map(aliases), searchRegistries};
}

function parseRule(table: TomlTable, source: ConfFile): RegistryRule {
  const {prefix: givenPrefix, location: givenLocation} = table;
  const [named = 'without prefix'] = [givenPrefix, givenLocation].filter(isNonEmptyString);
  const entry = `[[registry]] ${withoutLogin(named)}`;
  const reader = openTableReader(table, {...source, entry, homes: HOMES});
  const location = readLocation(reader, 'location');
  const prefix = readPrefix(reader) || location;
  if (prefix === '') throw reader.invalid('location', 'given when there is no "prefix"');
  const isDigestOnly = reader.boolean('mirror-by-digest-only') ?? false;
  const mirrors = reader
    .tables('mirror')
    .map((mirror, index) => parseMirror(mirror, {...source, entry: `${entry}, mirror ${index + 1}`, isDigestOnly}));
  const rule = {
    prefix,
    location: location === '' && !prefix.startsWith('*.') ? prefix : location,
    isInsecure: reader.boolean('insecure') ?? false,
    isBlocked: reader.boolean('blocked') ?? false,
    mirrors,
    source: {file: source.file, entry},
  };
  reader.finish();
  return rule;
}

function parseMirror(
  table: TomlTable,
  {entry, isDigestOnly, ...source}: ConfFile & {readonly entry: string; readonly isDigestOnly: boolean},
): MirrorRule {
  const reader = openTableReader(table, {...source, entry, homes: HOMES});
  const location = readLocation(reader, 'location');
  if (location === '') throw reader.invalid('location', 'given');
  const wanted = reader.text('pull-from-mirror');
  const serves = SERVES[wanted ?? ''];
  if (serves === undefined) throw reader.invalid('pull-from-mirror', '"all", "digest-only" or "tag-only"');
  if (isDigestOnly && wanted !== undefined) {
    throw reader.invalid('pull-from-mirror', 'left out where "mirror-by-digest-only" is true');
  }
  const isInsecure = reader.boolean('insecure') ?? false;
  reader.finish();
  const from = {file: source.file, entry};
  return {location, isInsecure, serves: isDigestOnly ? 'digest' : serves, source: from};
}

function readPrefix(reader: TableReader): string {
  const prefix = trimSlashes(reader.text('prefix') ?? '');
  if (prefix === '') return '';
  const fault = checkLocation(prefix.replace(/^\*\./, ''));
  if (fault !== null) throw reader.invalid('prefix', `host[:port][/path] or *.domain: ${fault}`);
  return prefix;
}

function readLocation(reader: TableReader, key: string): string {
  const location = trimSlashes(reader.text(key) ?? '');
  if (location === '') return '';
  const fault = checkLocation(location);
  if (fault !== null) throw reader.invalid(key, `host[:port][/path]: ${fault}`);
  return location;
}

const trimSlashes = (text: string): string => text.replace(/\/+$/, '');
