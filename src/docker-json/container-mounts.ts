import type {ContainerOptions, MountRequest} from '../bundle/container-options.ts';
import {VOLUME_DRIVER} from './volume-driver.ts';

type TmpfsMount = Extract<MountRequest, {readonly type: 'tmpfs'}>;

/** Random ones, of volumes that nobody named. */
const ANONYMOUS = /^[0-9a-f]{64}$/;

const isReadOnly = (mount: MountRequest): boolean =>
  mount.type === 'image' ? mount.readOnly !== false : mount.readOnly === true;

/**
 * What is mounted in a container, as docker lists it.
 *
 * @param directories Where the files of its volumes are, by their names.
 */
export const toMounts = (
  {mounts = []}: Pick<ContainerOptions, 'mounts'>,
  directories: Readonly<Record<string, string>>,
) => mounts.filter((mount) => mount.type !== 'tmpfs' || !isOfFlag(mount)).map((mount) => toMount(mount, directories));

function toMount(mount: MountRequest, directories: Readonly<Record<string, string>>) {
  const source = 'source' in mount ? (mount.source ?? '') : '';
  return {
    Type: mount.type,
    ...(mount.type === 'volume' && {Name: source, Driver: VOLUME_DRIVER}),
    Source: mount.type === 'volume' ? (directories[source] ?? '') : source,
    Destination: mount.target,
    Mode: isReadOnly(mount) ? 'ro' : '',
    RW: !isReadOnly(mount),
    Propagation: mount.type === 'bind' ? (mount.propagation ?? 'rprivate') : '',
  };
}

/** The targets of volumes that have no name of their own, as `Config.Volumes` has them. */
export const anonymousTargets = ({mounts = []}: Pick<ContainerOptions, 'mounts'>): readonly string[] =>
  mounts.flatMap((mount) => (mount.type === 'volume' && ANONYMOUS.test(mount.source ?? '') ? [mount.target] : []));

/** What a container was told to mount, by the fields of its request. */
export function toMountRequests({mounts = [], volumesFrom}: Pick<ContainerOptions, 'mounts' | 'volumesFrom'>) {
  const tmpfs = mounts.filter((mount) => mount.type === 'tmpfs').filter(isOfFlag);
  const binds = mounts.flatMap((mount) => toBind(mount) ?? []);
  const others = mounts.filter((mount) => toBind(mount) === null && !isAnonymous(mount) && !isTmpfsOfFlag(mount));
  return {
    Binds: binds.length > 0 ? binds : null,
    ...(others.length > 0 && {Mounts: others.map(toMountRequest)}),
    ...(tmpfs.length > 0 && {
      Tmpfs: Object.fromEntries(tmpfs.map(({target, options = []}) => [target, options.join(',')])),
    }),
    VolumesFrom: volumesFrom?.map(toLender) ?? null,
  };
}

/** `SOURCE:TARGET[:OPTIONS]`; null: it is mounted by other means. */
function toBind(mount: MountRequest): string | null {
  if (mount.type !== 'bind' && mount.type !== 'volume') return null;
  if (mount.type === 'bind' && !mount.createSource) return null;
  if (mount.type === 'volume' && (isAnonymous(mount) || mount.subpath || mount.labels || mount.mounts)) return null;
  const nocopy = mount.type === 'volume' && mount.nocopy ? ['nocopy'] : [];
  const words = [...(isReadOnly(mount) ? ['ro'] : []), ...(mount.propagation ? [mount.propagation] : []), ...nocopy];
  return [mount.source, mount.target, ...(words.length > 0 ? [words.join(',')] : [])].join(':');
}

const toMountRequest = (mount: MountRequest) => ({
  Type: mount.type,
  ...('source' in mount && mount.source !== undefined && {Source: mount.source}),
  Target: mount.target,
  ...(isReadOnly(mount) && {ReadOnly: true}),
});

const isAnonymous = (mount: MountRequest): boolean => mount.type === 'volume' && ANONYMOUS.test(mount.source ?? '');

const isTmpfsOfFlag = (mount: MountRequest): boolean => mount.type === 'tmpfs' && isOfFlag(mount);

/** Docker has what its flag `--tmpfs` asks for in a place of its own. */
const isOfFlag = ({options, readOnly, sizeBytes, mode}: TmpfsMount): boolean =>
  options !== undefined || (readOnly === undefined && sizeBytes === undefined && mode === undefined);

const toLender = ({container, readOnly}: {readonly container: string; readonly readOnly?: boolean | undefined}) =>
  readOnly === undefined ? container : `${container}:${readOnly ? 'ro' : 'rw'}`;
