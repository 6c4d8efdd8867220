import type {ContainerOptions, MountRequest} from '../../bundle/container-options.ts';
import {requireDeviceRule} from '../../bundle/device-rule.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {flag, grouped, list, type OptionValues, text} from '../arguments/option-table.ts';
import type {Environment} from '../environment.ts';
import {parseDevice} from './device.ts';
import {parseMount} from './mount.ts';
import {parseSize} from './size.ts';
import {parseTmpfs} from './tmpfs.ts';
import {parseVolume, parseVolumesFrom} from './volume.ts';

/** Flags about the container's files. */
export const FILE_FLAGS = grouped('Files:', {
  volume: list('SOURCE:TARGET[:ro]', 'Mount a file or directory of this machine, or a volume by name', {short: 'v'}),
  mount: list('KEY=value,…', 'Mount with type=bind, volume, image or tmpfs, source=, target=, readonly, subpath= …'),
  'volumes-from': list('CONTAINER[:ro]', 'Mount what another kept container mounts'),
  tmpfs: list('TARGET[:OPTIONS]', 'Mount an empty file system in memory (size=64m,mode=1777 …)'),
  'read-only': flag('Mount the root file system read-only'),
  'shm-size': text('BYTES', 'Size of /dev/shm', {defaultsTo: '64m'}),
  device: list('PATH[:TARGET][:rwm]', 'Add a device of this machine'),
  'device-cgroup-rule': list('RULE', 'Let it use devices whose nodes it makes itself ("c 13:* rwm")'),
});

/** @throws {WinchError} `FLAG_INVALID` */
export function parseFiles(values: OptionValues<typeof FILE_FLAGS>, environment: Environment): ContainerOptions {
  const mounts: readonly MountRequest[] = [
    ...(values.volume ?? []).map((volume) => parseVolume(volume, environment)),
    ...(values.mount ?? []).map((mount) => parseMount(mount, environment)),
    ...(values.tmpfs ?? []).map(parseTmpfs),
  ];
  const shmSize = values['shm-size'];
  return definedMembers({
    mounts: mounts.length > 0 ? mounts : undefined,
    volumesFrom: values['volumes-from']?.map(parseVolumesFrom),
    readOnlyRootfs: values['read-only'],
    shmBytes: shmSize === undefined ? undefined : parseSize('--shm-size', shmSize),
    devices: values.device?.map(parseDevice),
    deviceCgroupRules: values['device-cgroup-rule']?.map(requireDeviceRule),
  });
}
