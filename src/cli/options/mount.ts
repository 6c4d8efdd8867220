import {resolve} from 'node:path';
import type {MountRequest} from '../../bundle/container-options.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';
import type {Environment} from '../environment.ts';
import {parseSize} from './size.ts';
import {isPropagation, parseTarget} from './volume.ts';

const EXAMPLE =
  '--mount type=bind,source=/path,target=/path[,readonly], type=volume,source=NAME,…, type=image,source=IMAGE,… or type=tmpfs,…';

const CANONICAL_KEYS: ReadonlyMap<string, string> = new Map([
  ['type', 'type'],
  ['source', 'source'],
  ['src', 'source'],
  ['target', 'target'],
  ['dst', 'target'],
  ['destination', 'target'],
  ['readonly', 'readonly'],
  ['ro', 'readonly'],
  ['readwrite', 'readwrite'],
  ['rw', 'readwrite'],
  ['consistency', 'consistency'],
  ['bind-propagation', 'bind-propagation'],
  ['bind-nonrecursive', 'bind-nonrecursive'],
  ['bind-recursive', 'bind-recursive'],
  ['bind-create-src', 'bind-create-src'],
  ['tmpfs-size', 'tmpfs-size'],
  ['tmpfs-mode', 'tmpfs-mode'],
  ['volume-nocopy', 'volume-nocopy'],
  ['volume-subpath', 'volume-subpath'],
  ['image-subpath', 'image-subpath'],
  ['subpath', 'subpath'],
]);

type Fields = ReadonlyMap<string, string | true>;
type BindRequest = Extract<MountRequest, {readonly type: 'bind'}>;

/**
 * Reads docker's `--mount KEY=VALUE,…`, with quotes around fields that hold a comma. Unlike `-v` it refuses a source
 * that does not exist.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseMount(text: string, environment: Environment): MountRequest {
  const fields = readFields(text);
  const target = parseTarget('--mount', word(fields, 'target') ?? '');
  const type = word(fields, 'type') ?? 'volume';
  requireOwnKeys(fields, type);
  if (type === 'bind') return parseBind(fields, {target, environment});
  if (type === 'tmpfs') return parseTmpfsMount(fields, target);
  if (type === 'volume') return parseVolumeMount(fields, target);
  if (type === 'image') return parseImageMount(fields, target);
  throw flagInvalid('--mount', `type ${quote(type)} is neither bind, volume, image nor tmpfs`, EXAMPLE);
}

/** What is about another type would be lost in silence. */
function requireOwnKeys(fields: Fields, type: string): void {
  if (fields.has('subpath') && type !== 'volume' && type !== 'image') {
    throw flagInvalid('--mount', `subpath does not go with type=${type}`, EXAMPLE);
  }
  const foreign = [...fields.keys()].find(
    (key) => /^(?:bind|tmpfs|volume|image)-/.test(key) && !key.startsWith(`${type}-`),
  );
  if (foreign !== undefined) throw flagInvalid('--mount', `${foreign} does not go with type=${type}`, EXAMPLE);
}

function readFields(text: string): Fields {
  const fields = new Map<string, string | true>();
  for (const field of splitFields(text)) {
    const equals = field.indexOf('=');
    const key = CANONICAL_KEYS.get((equals === -1 ? field : field.slice(0, equals)).trim().toLowerCase());
    if (key === undefined) throw flagInvalid('--mount', `${quote(field)} is not understood`, EXAMPLE);
    fields.set(key, equals === -1 ? true : field.slice(equals + 1));
  }
  return fields;
}

// One record of CSV (RFC 4180): a quoted field may hold commas, and doubled quotes for quotes.
const splitFields = (text: string): readonly string[] =>
  Array.from(text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g), ([, quoted, plain]) =>
    quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'),
  );

function parseBind(fields: Fields, given: {target: string; environment: Environment}): MountRequest {
  const source = word(fields, 'source');
  if (!source) throw flagInvalid('--mount', 'a bind mount needs a source', EXAMPLE);
  const propagation = word(fields, 'bind-propagation');
  if (propagation !== undefined && !isPropagation(propagation)) {
    throw flagInvalid('--mount', `bind-propagation ${quote(propagation)} does not exist`, 'bind-propagation=rslave');
  }
  return {
    type: 'bind',
    source: source.startsWith('/') ? resolve(source) : resolve(given.environment.workingDirectory(), source),
    target: given.target,
    readOnly: isReadOnly(fields, false),
    createSource: isOn(fields, 'bind-create-src'),
    ...definedMembers({propagation}),
    ...parseRecursion(fields),
  };
}

/** Docker's words for what is mounted below the source; those about read-only mounts ask for one. */
function parseRecursion(fields: Fields): Pick<BindRequest, 'recursive' | 'submounts'> {
  const given = word(fields, 'bind-recursive') ?? (isOn(fields, 'bind-nonrecursive') ? 'disabled' : 'enabled');
  if (given === 'enabled') return {};
  if (given === 'disabled') return {recursive: false};
  if (given !== 'writable' && given !== 'readonly') {
    const hint = 'bind-recursive=enabled, disabled, writable or readonly';
    throw flagInvalid('--mount', `bind-recursive ${quote(given)} does not exist`, hint);
  }
  if (isReadOnly(fields, false)) return {submounts: given};
  throw flagInvalid('--mount', `bind-recursive=${given} says nothing of a mount that is written to`, 'add readonly');
}

function parseImageMount(fields: Fields, target: string): MountRequest {
  const source = word(fields, 'source');
  if (!source) throw flagInvalid('--mount', 'an image mount needs a source', EXAMPLE);
  const subpath = word(fields, 'image-subpath') ?? word(fields, 'subpath');
  return {type: 'image', source, target, ...definedMembers({subpath}), readOnly: isReadOnly(fields, true)};
}

function parseVolumeMount(fields: Fields, target: string): MountRequest {
  return {
    type: 'volume',
    target,
    ...definedMembers({
      source: word(fields, 'source'),
      subpath: word(fields, 'volume-subpath') ?? word(fields, 'subpath'),
    }),
    readOnly: isReadOnly(fields, false),
    ...(isOn(fields, 'volume-nocopy') && {nocopy: true}),
  };
}

function parseTmpfsMount(fields: Fields, target: string): MountRequest {
  const size = word(fields, 'tmpfs-size');
  const mode = word(fields, 'tmpfs-mode');
  if (fields.has('source')) throw flagInvalid('--mount', 'a tmpfs has no source', EXAMPLE);
  return {
    type: 'tmpfs',
    target,
    ...(isReadOnly(fields, false) && {readOnly: true}),
    ...definedMembers({
      sizeBytes: size === undefined ? undefined : parseSize('--mount tmpfs-size', size),
      mode: mode === undefined ? undefined : parseMode('--mount tmpfs-mode', mode),
    }),
  };
}

/**
 * Octal permission bits.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseMode(flag: string, mode: string): number {
  if (/^0?[0-7]{1,4}$/.test(mode)) return Number.parseInt(mode, 8);
  throw flagInvalid(flag, `${quote(mode)} is not an octal mode`, 'four octal digits such as 1777');
}

function word(fields: Fields, key: string): string | undefined {
  const value = fields.get(key);
  if (value === true) throw flagInvalid('--mount', `${key} needs a value`, EXAMPLE);
  return value;
}

/** @param otherwise What holds where neither of the two words is there. */
function isReadOnly(fields: Fields, otherwise: boolean): boolean {
  if (fields.has('readonly') && fields.has('readwrite')) {
    throw flagInvalid('--mount', 'readonly does not go with readwrite', EXAMPLE);
  }
  if (fields.has('readonly')) return isOn(fields, 'readonly');
  return fields.has('readwrite') ? !isOn(fields, 'readwrite') : otherwise;
}

function isOn(fields: Fields, key: string): boolean {
  const value = fields.get(key) ?? 'false';
  if (value === true || /^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw flagInvalid('--mount', `${key}=${quote(value)} is neither true nor false`, EXAMPLE);
}
