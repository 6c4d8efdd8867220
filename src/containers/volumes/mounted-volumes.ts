import type {ContainerOptions, MountedDevice, MountRequest, VolumeMount} from '../../bundle/container-options.ts';
import type {ContainerContext} from '../context.ts';
import {placesOfVolume, type VolumePlaces} from './places.ts';
import {requireVolume, type Volume} from './volume.ts';

type BindRequest = Extract<MountRequest, {readonly type: 'bind'}>;

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
    const volume = requireVolume(context, mount.source);
    return withDevice(bindOf(mount, placesOfVolume(context, volume.name)), volume);
  });
  return {...container, mounts};
}

/** Whether a directory of this machine is meant. */
export const isBind = ({type, options}: MountedDevice): boolean =>
  type === 'none' || type === 'bind' || /(?:^|,)r?bind(?:,|$)/.test(options);

/** The bind with what a volume mounts in its place; a directory of this machine is bound from where it is. */
export function withDevice(bind: BindRequest, {mounts}: Pick<Volume, 'mounts'>): MountRequest {
  if (mounts === undefined) return bind;
  if (!isBind(mounts)) return {...bind, mounts, mapsOwners: mounts.type === 'tmpfs'};
  const words = mounts.options.split(',');
  const readOnly = bind.readOnly || words.includes('ro');
  return {
    ...bind,
    source: mounts.device,
    readOnly,
    mapsOwners: false,
    ...(words.includes('bind') && {recursive: false}),
  };
}

/** The bind that a volume is for the runtime. */
export function bindOf({target, readOnly = false, ...mount}: VolumeMount, {data}: VolumePlaces): BindRequest {
  const {subpath, propagation} = mount;
  const more = {...(subpath !== undefined && {subpath}), ...(propagation && {propagation})};
  return {type: 'bind', source: data, target, readOnly, createSource: false, mapsOwners: true, ...more};
}
