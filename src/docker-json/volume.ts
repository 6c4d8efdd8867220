import type {VolumeDetails} from '../containers/volumes/list-volumes.ts';
import {VOLUME_DRIVER} from './volume-driver.ts';

/** A volume with the field names of `docker volume inspect`, followed by what only winch knows. */
export const toDockerVolume = ({name, directory, created, labels, isAnonymous, mounts, usedBy}: VolumeDetails) => ({
  CreatedAt: created,
  Driver: VOLUME_DRIVER,
  Labels: labels,
  Mountpoint: directory,
  Name: name,
  Options: mounts ? {type: mounts.type, device: mounts.device, o: mounts.options} : null,
  Scope: VOLUME_DRIVER,
  Anonymous: isAnonymous,
  UsedBy: usedBy,
});
