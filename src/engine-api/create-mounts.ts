import type {MountRequest} from '../bundle/container-options.ts';
import {WinchError} from '../errors.ts';
import {notOffered} from './api-error.ts';
import type {BodyFields} from './body-fields.ts';

/** Words of a bind that change nothing here. */
const WITHOUT_EFFECT = ['', 'rw', 'z', 'Z', 'rprivate', 'cached', 'delegated', 'consistent'];
const DETAILS = ['BindOptions', 'VolumeOptions', 'TmpfsOptions', 'ImageOptions'];

/** All that a body has mounted. @throws {WinchError} `BODY_INVALID` | `NOT_OFFERED` */
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

/** `SOURCE:/TARGET[:ro]`; a source that is no path names a volume. */
function readBind(bind: string): MountRequest {
  const [source = '', target = '', words = '', ...surplus] = bind.split(':');
  const modes = words.split(',').filter((word) => !WITHOUT_EFFECT.includes(word));
  const unknown = modes.find((word) => word !== 'ro');
  if (source === '' || !target.startsWith('/') || surplus.length > 0) {
    throw invalid(`the bind ${JSON.stringify(bind)} is not SOURCE:/TARGET`);
  }
  if (unknown !== undefined) throw notOffered(`a bind with ${unknown} is not offered`, 'make it with winch create -v');
  const readOnly = modes.includes('ro');
  return source.startsWith('/')
    ? {type: 'bind', source, target, readOnly, createSource: true}
    : {type: 'volume', source, target, readOnly};
}

function readMount(mount: BodyFields): MountRequest {
  const [type, source, target] = ['Type', 'Source', 'Target'].map((name) => mount.text(name) ?? '');
  const detail = DETAILS.find((name) => mount.says(name));
  if (detail !== undefined)
    throw notOffered(`a mount with ${detail} is not offered`, 'make it with winch create --mount');
  if (!target?.startsWith('/')) throw invalid('a mount has no absolute Target');
  const readOnly = mount.flag('ReadOnly') ?? false;
  if (type === 'tmpfs') return {type, target, readOnly};
  if (type === 'volume') return {type, ...(source && {source}), target, readOnly};
  if (type === 'bind' && source?.startsWith('/')) return {type, source, target, readOnly, createSource: false};
  throw invalid('a mount is no bind of an absolute path, volume or tmpfs');
}

const readTmpfs = ([target, options]: readonly [string, string]): MountRequest => ({
  type: 'tmpfs',
  target,
  ...(options !== '' && {options: options.split(',')}),
});

const invalid = (message: string): WinchError => new WinchError('BODY_INVALID', message, {kind: 'invalid'});
