import type {ContainerOptions} from '../../bundle/container-options.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';

type Device = NonNullable<ContainerOptions['devices']>[number];

/**
 * Reads `SOURCE[:TARGET][:PERMISSIONS]`; permissions are of `rwm`, all three when absent.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseDevice(text: string): Device {
  const [source = '', ...rest] = text.split(':');
  const permissions = isPermissions(rest.at(-1)) ? (rest.pop() ?? '') : 'rwm';
  const [target = source, ...surplus] = rest;
  if (source.startsWith('/') && target.startsWith('/') && surplus.length === 0) return {source, target, permissions};
  const example = '--device /dev/fuse or --device /dev/sda:/dev/xvda:r';
  throw flagInvalid('--device', `${quote(text)} is not SOURCE[:TARGET][:rwm]`, example);
}

const isPermissions = (word: string | undefined): boolean =>
  word !== undefined && /^[rwm]{1,3}$/.test(word) && new Set(word).size === word.length;
