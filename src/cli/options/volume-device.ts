import type {MountedDevice} from '../../bundle/container-options.ts';
import {readDeviceOptions} from '../../containers/volumes/device-options.ts';
import {parseKeyValues} from './key-value.ts';

/**
 * Reads the options of docker's local driver: what mount(8) would be told.
 *
 * @throws {WinchError} `FLAG_INVALID` | `VOLUME_INVALID`
 */
export const parseVolumeDevice = (flag: string, words: readonly string[]): MountedDevice | undefined =>
  readDeviceOptions(parseKeyValues(flag, words));
