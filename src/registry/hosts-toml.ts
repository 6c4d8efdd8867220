import {dirname, resolve} from 'node:path';
import {isArray, isNonEmptyString, isPlainObject, isString} from '@sindresorhus/is';
import type {Capability, HostWarning, SettingSource} from './host-plan.ts';
import {withoutLogin} from './location.ts';
import {openTableReader, type TableReader} from './table-reader.ts';
import {parseToml, type TomlTable} from './toml-document.ts';

/** A `[host."…"]`, or the keys at the top, which are about the server. */
export interface HostEntry {
  /** Null: where the registry is without configuration. */
  readonly origin: URL | null;
  readonly apiPath: string;
  readonly capabilities: readonly Capability[];
  /** Undefined: as it is for this host without configuration. */
  readonly skipsVerification: boolean | undefined;
  /** Paths of certificates. */
  readonly authorities: readonly string[];
  /** Paths of a client certificate and its key, which may be one file. */
  readonly client: {readonly certificate: string; readonly key: string} | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly source: SettingSource;
}

export interface HostsToml {
  readonly hosts: readonly HostEntry[];
  readonly server: HostEntry;
}

const TOP = 'the top of the file';
const HOST = '[host."https://…"]';
const EITHER = `${HOST} or the top of the file`;
const HOMES: Readonly<Record<string, string>> = Object.freeze({
  server: TOP,
  host: `${TOP}, written as ${HOST}`,
  capabilities: EITHER,
  ca: EITHER,
  client: EITHER,
  skip_verify: EITHER,
  header: EITHER,
  override_path: EITHER,
});
const CAPABILITIES: readonly Capability[] = Object.freeze(['pull', 'resolve', 'push']);

/**
 * Reads containerd's `hosts.toml`. Keys that mean nothing where they stand are told of.
 *
 * @throws {WinchError} `REGISTRY_CONFIG_INVALID`
 * @see containerd docs/hosts.md
 */
export async function parseHostsToml(
  bytes: Uint8Array,
  {file, warn}: {readonly file: string; readonly warn: (warning: HostWarning) => void},
): Promise<HostsToml> {
  const top = openTableReader(await parseToml(bytes, file), {file, entry: TOP, homes: HOMES, warn});
  const server = top.text('server') ?? '';
  const tables = top.table('host') ?? {};
  const hosts = Object.entries(tables).map(([name, table]) => {
    const entry = `[host."${withoutLogin(name)}"]`;
    if (name === '' || !isPlainObject(table)) throw top.invalid('host', `tables, ${HOST}`);
    const reader = openTableReader(table as TomlTable, {file, entry, homes: HOMES, warn});
    const parsed = parseEntry(reader, {file, entry, address: name});
    warnOfUnused(reader, {file, entry, warn});
    reader.finish();
    return parsed;
  });
  const parsed = parseEntry(top, {
    file,
    entry: server === '' ? TOP : `server = "${withoutLogin(server)}"`,
    address: server,
  });
  warnOfUnused(top, {file, entry: TOP, warn});
  top.finish();
  return {hosts, server: parsed};
}

function parseEntry(
  reader: TableReader,
  {file, entry, address}: {readonly file: string; readonly entry: string; readonly address: string},
): HostEntry {
  const origin = address === '' ? null : parseAddress(address);
  if (origin === undefined) throw reader.invalid(withoutLogin(address), 'an HTTP or HTTPS address without a login');
  const isOverridden = reader.boolean('override_path') ?? false;
  const path = (origin?.pathname ?? '').replace(/\/+$/, '');
  const directory = dirname(file);
  return {
    origin,
    apiPath: isOverridden || path.endsWith('/v2') ? path : `${path}/v2`,
    capabilities: parseCapabilities(reader),
    skipsVerification: reader.boolean('skip_verify'),
    authorities: parsePaths(reader).map((path) => resolve(directory, path)),
    client: parseClient(reader, directory),
    headers: parseHeaders(reader),
    source: {file, entry},
  };
}

/** Undefined: no address. */
function parseAddress(text: string): URL | undefined {
  const withScheme = /^[a-z]+:\/\//i.test(text) ? text : `https://${text}`;
  if (!URL.canParse(withScheme)) return undefined;
  const url = new URL(withScheme);
  const isPlain = url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  return isPlain && url.protocol.startsWith('http') ? url : undefined;
}

function parseCapabilities(reader: TableReader): readonly Capability[] {
  const names = reader.texts('capabilities')?.map((name) => name.toLowerCase()) ?? [];
  const known = CAPABILITIES.filter((name) => names.includes(name));
  if (names.some((name) => !known.some((other) => other === name))) {
    throw reader.invalid('capabilities', 'a list of "pull", "resolve" and "push"');
  }
  return known.length === 0 ? CAPABILITIES : known;
}

function parsePaths(reader: TableReader): readonly string[] {
  const given = reader.value('ca') ?? [];
  const paths = isString(given) ? [given] : given;
  if (!isArray(paths, isString)) throw reader.invalid('ca', 'a path or a list of paths');
  return paths;
}

/** One path, a list of paths, or a list of pairs; the first counts. */
function parseClient(reader: TableReader, directory: string): HostEntry['client'] {
  const given = reader.value('client');
  if (given === undefined) return null;
  const first: unknown = isArray(given) ? given[0] : given;
  const [certificate, key] = isArray(first) ? first : [first, ''];
  const isPair = !isArray(first) || first.length === 2;
  if (!isNonEmptyString(certificate) || !isString(key) || !isPair) {
    throw reader.invalid('client', 'a path, a list of paths, or a list of pairs of certificate and key');
  }
  return {certificate: resolve(directory, certificate), key: resolve(directory, key || certificate)};
}

function parseHeaders(reader: TableReader): Readonly<Record<string, string>> {
  const entries = Object.entries(reader.table('header') ?? {}).map(([name, value]) => {
    const values = isString(value) ? [value] : value;
    const isFit = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) && isArray(values, isString);
    if (!isFit || values.some((text) => !/^[\t\x20-\x7e]*$/.test(text))) {
      throw reader.invalid('header', 'a table of names with a text or a list of texts');
    }
    return [name.toLowerCase(), values.join(', ')] as const;
  });
  return Object.fromEntries(entries);
}

/** What containerd knows and winch does not do. */
function warnOfUnused(
  reader: TableReader,
  {file, entry, warn}: {readonly file: string; readonly entry: string; readonly warn: (warning: HostWarning) => void},
): void {
  for (const key of ['proxy', 'dial_timeout']) {
    if (reader.value(key) === undefined) continue;
    warn({code: 'SETTING_UNSUPPORTED', message: `${file}: "${key}" of ${entry} is not supported and is ignored`});
  }
}
