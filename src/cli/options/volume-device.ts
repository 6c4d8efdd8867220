import type {MountedDevice} from '../../bundle/container-options.ts';
import {flagInvalid, flagsConflict, quote} from '../arguments/usage-error.ts';
import {parseKeyValues} from './key-value.ts';

const KEYS: readonly string[] = ['type', 'device', 'o'];
const EXAMPLE = '--opt type=nfs --opt device=:/share --opt o=addr=10.0.0.7,rw';

/**
 * Reads the options of docker's local driver: what mount(8) would be told.
 *
 * @throws {WinchError} `FLAG_INVALID` | `FLAGS_CONFLICT`
 */
export function parseVolumeDevice(flag: string, words: readonly string[]): MountedDevice | undefined {
  if (words.length === 0) return undefined;
  const options = parseKeyValues(flag, words);
  const unknown = Object.keys(options).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw flagInvalid(flag, `${quote(unknown)} is neither type, device nor o`, EXAMPLE);
  const {type = 'none', o = ''} = options;
  const device = options.device ?? (type === 'tmpfs' ? 'tmpfs' : undefined);
  if (device === undefined)
    throw flagsConflict(`a volume of type ${quote(type)} needs a device`, `add ${flag} device=`);
  return {type, device, options: o};
}
