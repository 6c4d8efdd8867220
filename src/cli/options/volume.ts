import {posix, resolve} from 'node:path';
import type {MountRequest} from '../../bundle/container-options.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';
import type {Environment} from '../environment.ts';

type BindMount = Extract<MountRequest, {type: 'bind'}>;

const EXAMPLE = '-v /path/on/host:/path/inside[:ro]';
const PROPAGATIONS: readonly string[] = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'];
// docker's words for other systems: SELinux labels, macOS caches, volume copying. They change nothing here.
const WITHOUT_EFFECT: readonly string[] = ['z', 'Z', 'cached', 'delegated', 'consistent', 'nocopy'];

/**
 * Reads `-v SOURCE:TARGET[:OPTIONS]`: a bind mount whose source is made when it is missing, as docker does. Relative
 * sources must start with a dot, since a bare name is docker's word for a named volume, which winch has not.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseVolume(text: string, environment: Environment): BindMount {
  const [source = '', target, options, ...surplus] = text.split(':');
  if (target === undefined || surplus.length > 0) {
    throw flagInvalid('--volume', `${quote(text)} is not SOURCE:TARGET`, `${EXAMPLE}, or --tmpfs for scratch space`);
  }
  if (!/^[/.]/.test(source)) {
    throw flagInvalid('--volume', `${quote(source)} is not a path, and named volumes do not exist yet`, EXAMPLE);
  }
  return {
    type: 'bind',
    source: source.startsWith('/') ? resolve(source) : resolve(environment.workingDirectory(), source),
    target: parseTarget('--volume', target),
    createSource: true,
    ...parseOptions(options),
  };
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
export const isPropagation = (word: string): word is NonNullable<BindMount['propagation']> =>
  PROPAGATIONS.includes(word);

function parseOptions(text: string | undefined): Pick<BindMount, 'readOnly' | 'propagation'> {
  const words = (text ?? '').split(',').filter((word) => word !== '');
  const unknown = words.find((word) => !['ro', 'rw', ...PROPAGATIONS, ...WITHOUT_EFFECT].includes(word));
  if (unknown !== undefined) {
    throw flagInvalid('--volume', `${quote(unknown)} is no mount option`, `ro, rw, z or a propagation: ${EXAMPLE}`);
  }
  const propagation = words.find(isPropagation);
  return {readOnly: words.includes('ro'), ...(propagation && {propagation})};
}
