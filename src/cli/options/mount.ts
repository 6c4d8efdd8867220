import {resolve} from 'node:path';
import type {MountRequest} from '../../bundle/container-options.ts';
import {isPropagation} from '../../bundle/volume-form.ts';
import {VOLUME_DRIVER} from '../../docker-json/volume-driver.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';
import type {Environment} from '../environment.ts';
import {parseKeyValues} from './key-value.ts';
import {type Fields, isOn, isReadOnly, listOf, MOUNT_EXAMPLE, readFields, word} from './mount-fields.ts';
import {parseSize} from './size.ts';
import {parseTarget} from './volume.ts';
import {parseVolumeDevice} from './volume-device.ts';

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
  throw flagInvalid('--mount', `type ${quote(type)} is neither bind, volume, image nor tmpfs`, MOUNT_EXAMPLE);
}

/** What is about another type would be lost in silence. */
function requireOwnKeys(fields: Fields, type: string): void {
  if (fields.has('subpath') && type !== 'volume' && type !== 'image') {
    throw flagInvalid('--mount', `subpath does not go with type=${type}`, MOUNT_EXAMPLE);
  }
  const foreign = [...fields.keys()].find(
    (key) => /^(?:bind|tmpfs|volume|image)-/.test(key) && !key.startsWith(`${type}-`),
  );
  if (foreign !== undefined) throw flagInvalid('--mount', `${foreign} does not go with type=${type}`, MOUNT_EXAMPLE);
}

function parseBind(fields: Fields, given: {target: string; environment: Environment}): MountRequest {
  const source = word(fields, 'source');
  if (!source) throw flagInvalid('--mount', 'a bind mount needs a source', MOUNT_EXAMPLE);
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
  if (!source) throw flagInvalid('--mount', 'an image mount needs a source', MOUNT_EXAMPLE);
  const subpath = word(fields, 'image-subpath') ?? word(fields, 'subpath');
  return {type: 'image', source, target, ...definedMembers({subpath}), readOnly: isReadOnly(fields, true)};
}

function parseVolumeMount(fields: Fields, target: string): MountRequest {
  const driver = word(fields, 'volume-driver') ?? VOLUME_DRIVER;
  if (driver !== VOLUME_DRIVER) {
    throw flagInvalid('--mount', `there is no volume-driver ${quote(driver)}`, `volume-driver=${VOLUME_DRIVER}`);
  }
  const labels = listOf(fields, 'volume-label');
  return {
    type: 'volume',
    target,
    ...definedMembers({
      source: word(fields, 'source'),
      subpath: word(fields, 'volume-subpath') ?? word(fields, 'subpath'),
      mounts: parseVolumeDevice('--mount volume-opt', listOf(fields, 'volume-opt')),
    }),
    ...(labels.length > 0 && {labels: parseKeyValues('--mount volume-label', labels, {allowBareKey: true})}),
    readOnly: isReadOnly(fields, false),
    ...(isOn(fields, 'volume-nocopy') && {nocopy: true}),
  };
}

function parseTmpfsMount(fields: Fields, target: string): MountRequest {
  const size = word(fields, 'tmpfs-size');
  const mode = word(fields, 'tmpfs-mode');
  if (fields.has('source')) throw flagInvalid('--mount', 'a tmpfs has no source', MOUNT_EXAMPLE);
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
