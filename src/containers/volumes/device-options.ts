import type {MountedDevice} from '../../bundle/container-options.ts';
import {WinchError} from '../../errors.ts';
import {excerpt} from '../../oci/excerpt.ts';

const KEYS: readonly string[] = ['type', 'device', 'o'];

/**
 * What the options of docker's local driver ask for: what mount(8) would be told.
 *
 * @returns undefined: nothing is asked.
 * @throws {WinchError} `VOLUME_INVALID`
 */
export function readDeviceOptions(options: Readonly<Record<string, string>>): MountedDevice | undefined {
  const keys = Object.keys(options);
  if (keys.length === 0) return undefined;
  const unknown = keys.find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw invalid(`${excerpt(unknown)} is neither type, device nor o`);
  const {type = 'none', o = ''} = options;
  const device = options.device ?? (type === 'tmpfs' ? 'tmpfs' : undefined);
  if (device === undefined) throw invalid(`a volume of type ${excerpt(type)} needs a device`);
  return {type, device, options: o};
}

const invalid = (message: string): WinchError =>
  new WinchError('VOLUME_INVALID', message, {
    kind: 'invalid',
    hint: 'say what mount(8) would be told: type=nfs, device=:/share and o=addr=10.0.0.7,rw, say',
  });
