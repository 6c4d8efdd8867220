import type {ContainerOptions, MountRequest, VolumeMount} from '../../bundle/container-options.ts';
import type {ContainerContext} from '../context.ts';
import {placesOfVolume, type VolumePlaces} from './places.ts';
import {requireVolume} from './volume.ts';

/** Whether a container asks for any. */
export const asksForVolumes = ({mounts = [], volumesFrom = []}: ContainerOptions): boolean =>
  volumesFrom.length > 0 || mounts.some(({type}) => type === 'volume');

/** The volumes of the store that a container mounts. */
export const volumesOf = ({mounts = []}: ContainerOptions): readonly string[] =>
  mounts.flatMap((mount) => (mount.type === 'volume' && mount.source !== undefined ? [mount.source] : []));

/** The options with a bind in the place of each volume. @throws {WinchError} `VOLUME_UNKNOWN` */
export function bindVolumes(context: ContainerContext, container: ContainerOptions): ContainerOptions {
  if (!asksForVolumes(container)) return container;
  const mounts = (container.mounts ?? []).map((mount) => {
    if (mount.type !== 'volume' || mount.source === undefined) return mount;
    return bindOf(mount, placesOfVolume(context, requireVolume(context, mount.source).name));
  });
  return {...container, mounts};
}

/** The bind that a volume is for the runtime. */
export function bindOf({target, readOnly = false, ...mount}: VolumeMount, {data}: VolumePlaces): MountRequest {
  const {subpath, propagation} = mount;
  const more = {...(subpath !== undefined && {subpath}), ...(propagation && {propagation})};
  return {type: 'bind', source: data, target, readOnly, createSource: false, ...more};
}
