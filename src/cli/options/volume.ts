import {posix, resolve} from 'node:path';
import type {MountRequest, VolumesFrom} from '../../bundle/container-options.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';
import type {Environment} from '../environment.ts';

type Propagation = NonNullable<Extract<MountRequest, {type: 'bind'}>['propagation']>;

const EXAMPLE = '-v /path/on/host:/path/inside[:ro] or -v NAME:/path/inside';
const PROPAGATIONS: readonly string[] = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'];
const LABELS: readonly string[] = ['z', 'Z'];
// docker's words for other systems: SELinux labels, macOS caches. They change nothing here.
const WITHOUT_EFFECT: readonly string[] = [...LABELS, 'cached', 'delegated', 'consistent'];

/**
 * Reads `-v SOURCE:TARGET[:OPTIONS]`: a bind mount whose source is made when it is missing, as docker does, or a volume.
 * Relative sources must start with a dot, since a bare name is that of a volume; a target alone is a volume without a
 * name.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseVolume(text: string, environment: Environment): MountRequest {
  const [first = '', second, words, ...surplus] = text.split(':');
  if (surplus.length > 0) throw flagInvalid('--volume', `${quote(text)} is not SOURCE:TARGET`, EXAMPLE);
  const target = parseTarget('--volume', second ?? first);
  const {nocopy, ...options} = parseOptions(words);
  if (second === undefined) return {type: 'volume', target};
  if (first === '') throw flagInvalid('--volume', 'a source is missing', EXAMPLE);
  if (!/^[/.]/.test(first)) return {type: 'volume', source: first, target, ...options, ...(nocopy && {nocopy})};
  return {
    type: 'bind',
    source: first.startsWith('/') ? resolve(first) : resolve(environment.workingDirectory(), first),
    target,
    createSource: true,
    ...options,
  };
}

/** Says that `z` changes nothing, where `-v` or `--volumes-from` asks for it. */
export function remarkOnLabels(
  {volume = [], 'volumes-from': lenders = []}: {volume?: readonly string[]; 'volumes-from'?: readonly string[]},
  remark: (text: string) => void,
): void {
  const options = [...volume.map((text) => text.split(':')[2]), ...lenders.map((text) => text.split(':')[1])];
  const asks = options.some((text) => text?.split(',').some((word) => LABELS.includes(word)));
  if (asks) remark('winch: z and Z change nothing: files get no label of SELinux');
}

/**
 * Reads `--volumes-from CONTAINER[:ro|rw]`.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseVolumesFrom(text: string): VolumesFrom {
  const [container = '', mode, ...surplus] = text.split(':');
  const isMode = mode === undefined || mode === 'ro' || mode === 'rw' || LABELS.includes(mode);
  if (container === '' || !isMode || surplus.length > 0) {
    throw flagInvalid('--volumes-from', `${quote(text)} is not understood`, '--volumes-from CONTAINER[:ro]');
  }
  return {container, ...((mode === 'ro' || mode === 'rw') && {readOnly: mode === 'ro'})};
}

/**
 * A place inside the container: an absolute path below the root.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseTarget(flag: string, target: string): string {
  const path = posix.normalize(target);
  if (path.startsWith('/') && path !== '/') return path.replace(/\/$/, '');
  throw flagInvalid(flag, `${quote(target)} is not an absolute path below /`, 'a target such as /data');
}

/** Whether this is one of mount's six propagation modes. */
export const isPropagation = (word: string): word is Propagation => PROPAGATIONS.includes(word);

interface VolumeOptions {
  readonly readOnly: boolean;
  readonly nocopy: boolean;
  readonly propagation?: Propagation;
}

function parseOptions(text: string | undefined): VolumeOptions {
  const words = (text ?? '').split(',').filter((word) => word !== '');
  const known = ['ro', 'rw', 'nocopy', ...PROPAGATIONS, ...WITHOUT_EFFECT];
  const unknown = words.find((word) => !known.includes(word));
  if (unknown !== undefined) {
    const hint = `ro, rw, nocopy, z or a propagation: ${EXAMPLE}`;
    throw flagInvalid('--volume', `${quote(unknown)} is no mount option`, hint);
  }
  const propagation = words.find(isPropagation);
  return {readOnly: words.includes('ro'), nocopy: words.includes('nocopy'), ...(propagation && {propagation})};
}
