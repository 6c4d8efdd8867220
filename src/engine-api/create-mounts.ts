import type {MountRequest} from '../bundle/container-options.ts';
import {isPropagation, readVolumeForm, toVolumeRequest} from '../bundle/volume-form.ts';
import {readDeviceOptions} from '../containers/volumes/device-options.ts';
import {VOLUME_DRIVER} from '../docker-json/volume-driver.ts';
import {WinchError} from '../errors.ts';
import {definedMembers} from '../oci/defined-members.ts';
import {notOffered} from './api-error.ts';
import type {BodyFields} from './body-fields.ts';

const DETAILS: Readonly<Record<string, string>> = {
  bind: 'BindOptions',
  volume: 'VolumeOptions',
  tmpfs: 'TmpfsOptions',
  image: 'ImageOptions',
};

/** All that a body has mounted. @throws {WinchError} `BODY_INVALID` | `NOT_OFFERED` | `VOLUME_INVALID` */
export function readMounts(config: BodyFields, host: BodyFields): readonly MountRequest[] | undefined {
  const mounts: readonly MountRequest[] = [
    ...(host.texts('Binds') ?? []).map(readBind),
    ...host.records('Mounts').map(readMount),
    ...Object.entries(host.textMap('Tmpfs') ?? {}).map(readTmpfs),
  ];
  const taken = new Set(mounts.map(({target}) => target));
  const anonymous = config
    .record('Volumes')
    .names()
    .filter((target) => !taken.has(target))
    .map((target): MountRequest => ({type: 'volume', target}));
  return mounts.length + anonymous.length === 0 ? undefined : [...mounts, ...anonymous];
}

/** `SOURCE:/TARGET[:ro]`; a source that is no path names a volume, and a target alone is one without a name. */
function readBind(bind: string): MountRequest {
  const form = readVolumeForm(bind);
  if ('problem' in form && form.problem === 'option') {
    throw invalid(`the bind ${JSON.stringify(bind)} has an unknown mode`);
  }
  if ('problem' in form || !form.target.startsWith('/')) {
    throw invalid(`the bind ${JSON.stringify(bind)} is not SOURCE:/TARGET`);
  }
  return toVolumeRequest(form, form.source?.startsWith('/') ? form.source : null);
}

function readMount(mount: BodyFields): MountRequest {
  const [type, source, target] = [mount.text('Type') ?? '', mount.text('Source') ?? '', mount.text('Target') ?? ''];
  const foreign = Object.entries(DETAILS).find(([other, name]) => other !== type && mount.says(name));
  if (foreign) throw invalid(`a mount of the type ${JSON.stringify(type)} takes no ${foreign[1]}`);
  if (!target.startsWith('/')) throw invalid('a mount has no absolute Target');
  const given = {source, target, readOnly: mount.flag('ReadOnly') ?? false, details: detailsOf(mount, type)};
  switch (type) {
    case 'bind':
      return readBindMount(given);
    case 'volume':
      return readVolumeMount(given);
    case 'tmpfs':
      return readTmpfsMount(given);
    case 'image':
      return {type, source, target, ...subpathOf(given.details), readOnly: true};
    default:
      throw invalid(`a mount is of the type ${JSON.stringify(type)}, and no bind, volume, image or tmpfs`);
  }
}

const detailsOf = (mount: BodyFields, type: string): BodyFields => mount.record(DETAILS[type] ?? '');

interface GivenMount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly details: BodyFields;
}

function readBindMount({source, target, readOnly, details}: GivenMount): MountRequest {
  const propagation = details.text('Propagation') ?? '';
  if (!source.startsWith('/')) throw invalid('a bind mount has no absolute Source');
  if (propagation !== '' && !isPropagation(propagation)) throw invalid('a bind mount has an unknown Propagation');
  return {
    ...{type: 'bind', source, target, readOnly},
    createSource: details.flag('CreateMountpoint') ?? false,
    ...(propagation !== '' && {propagation}),
    ...(details.flag('NonRecursive') && {recursive: false}),
    ...(details.flag('ReadOnlyNonRecursive') && {submounts: 'writable' as const}),
    ...(details.flag('ReadOnlyForceRecursive') && {submounts: 'readonly' as const}),
  };
}

function readVolumeMount({source, target, readOnly, details}: GivenMount): MountRequest {
  const driver = details.record('DriverConfig');
  if ((driver.text('Name') || VOLUME_DRIVER) !== VOLUME_DRIVER) {
    throw notOffered('volumes are kept by this machine alone', `leave out the DriverConfig, or say ${VOLUME_DRIVER}`);
  }
  return {
    type: 'volume',
    ...(source && {source}),
    ...{target, readOnly, ...subpathOf(details)},
    ...definedMembers({
      mounts: readDeviceOptions(driver.textMap('Options') ?? {}),
      labels: details.says('Labels') ? details.textMap('Labels') : undefined,
      nocopy: details.flag('NoCopy') || undefined,
    }),
  };
}

function readTmpfsMount({target, readOnly, details}: GivenMount): MountRequest {
  const words = details.says('Options');
  if (words) throw notOffered('a tmpfs takes no Options in Mounts', 'say them in HostConfig.Tmpfs');
  return {
    ...{type: 'tmpfs', target, readOnly},
    ...definedMembers({
      sizeBytes: details.number('SizeBytes') || undefined,
      mode: details.number('Mode') || undefined,
    }),
  };
}

const subpathOf = (details: BodyFields) => definedMembers({subpath: details.text('Subpath') || undefined});

const readTmpfs = ([target, options]: readonly [string, string]): MountRequest => ({
  type: 'tmpfs',
  target,
  options: options.split(',').filter((word) => word !== ''),
});

const invalid = (message: string): WinchError => new WinchError('BODY_INVALID', message, {kind: 'invalid'});
