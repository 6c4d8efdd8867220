import {flagInvalid, quote} from '../arguments/usage-error.ts';

export const MOUNT_EXAMPLE =
  '--mount type=bind,source=/path,target=/path[,readonly], type=volume,source=NAME,… type=image,source=IMAGE,… or type=tmpfs,…';

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
  ['volume-driver', 'volume-driver'],
  ['volume-label', 'volume-label'],
  ['volume-opt', 'volume-opt'],
  ['image-subpath', 'image-subpath'],
  ['subpath', 'subpath'],
]);

/** May be given several times. */
const LISTS: readonly string[] = ['volume-label', 'volume-opt'];
const SEPARATOR = '\0';

/** What `--mount` says by its keys, each under one name. */
export type Fields = ReadonlyMap<string, string | true>;

/** @throws {WinchError} `FLAG_INVALID` */
export function readFields(text: string): Fields {
  const fields = new Map<string, string | true>();
  for (const field of splitFields(text)) {
    const equals = field.indexOf('=');
    const key = CANONICAL_KEYS.get((equals === -1 ? field : field.slice(0, equals)).trim().toLowerCase());
    if (key === undefined) throw flagInvalid('--mount', `${quote(field)} is not understood`, MOUNT_EXAMPLE);
    const value = equals === -1 ? true : field.slice(equals + 1);
    const before = LISTS.includes(key) ? fields.get(key) : undefined;
    fields.set(key, before === undefined ? value : `${before}${SEPARATOR}${value}`);
  }
  return fields;
}

// One record of CSV (RFC 4180): a quoted field may hold commas, and doubled quotes for quotes.
const splitFields = (text: string): readonly string[] =>
  Array.from(text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g), ([, quoted, plain]) =>
    quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'),
  );

/** @throws {WinchError} `FLAG_INVALID`: it has no value */
export function word(fields: Fields, key: string): string | undefined {
  const value = fields.get(key);
  if (value === true) throw flagInvalid('--mount', `${key} needs a value`, MOUNT_EXAMPLE);
  return value;
}

/** @param otherwise What holds where neither of the two words is there. */
export function isReadOnly(fields: Fields, otherwise: boolean): boolean {
  if (fields.has('readonly') && fields.has('readwrite')) {
    throw flagInvalid('--mount', 'readonly does not go with readwrite', MOUNT_EXAMPLE);
  }
  if (fields.has('readonly')) return isOn(fields, 'readonly');
  return fields.has('readwrite') ? !isOn(fields, 'readwrite') : otherwise;
}

/** @throws {WinchError} `FLAG_INVALID` */
export function isOn(fields: Fields, key: string): boolean {
  const value = fields.get(key) ?? 'false';
  if (value === true || /^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw flagInvalid('--mount', `${key}=${quote(value)} is neither true nor false`, MOUNT_EXAMPLE);
}

/** The values of a key that may be given several times. */
export const listOf = (fields: Fields, key: string): readonly string[] => word(fields, key)?.split(SEPARATOR) ?? [];
