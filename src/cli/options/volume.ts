import {posix, resolve} from 'node:path';
import type {MountRequest, VolumesFrom} from '../../bundle/container-options.ts';
import {
  asksForLabels,
  readVolumeForm,
  readVolumesFrom,
  toVolumeRequest,
  type VolumeProblem,
} from '../../bundle/volume-form.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';
import type {Environment} from '../environment.ts';

const EXAMPLE = '-v /path/on/host:/path/inside[:ro] or -v NAME:/path/inside';

/**
 * Reads `-v SOURCE:TARGET[:OPTIONS]`: a bind mount whose source is made when it is missing, as docker does, or a volume.
 * Relative sources must start with a dot, since a bare name is that of a volume; a target alone is a volume without a
 * name.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseVolume(text: string, environment: Environment): MountRequest {
  const form = readVolumeForm(text);
  if ('problem' in form) throw invalidVolume(text, form);
  const {source} = form;
  const target = parseTarget('--volume', form.target);
  if (source === null) return {type: 'volume', target};
  return toVolumeRequest({...form, target}, /^[/.]/.test(source) ? locate(source, environment) : null);
}

const locate = (source: string, environment: Environment): string =>
  source.startsWith('/') ? resolve(source) : resolve(environment.workingDirectory(), source);

function invalidVolume(text: string, found: VolumeProblem): Error {
  switch (found.problem) {
    case 'parts':
      return flagInvalid('--volume', `${quote(text)} is not SOURCE:TARGET`, EXAMPLE);
    case 'source':
      return flagInvalid('--volume', 'a source is missing', EXAMPLE);
    case 'option': {
      const hint = `ro, rw, nocopy, z or a propagation: ${EXAMPLE}`;
      return flagInvalid('--volume', `${quote(found.word)} is no mount option`, hint);
    }
  }
}

/** Says that `z` changes nothing, where `-v` or `--volumes-from` asks for it. */
export function remarkOnLabels(
  {volume = [], 'volumes-from': lenders = []}: {volume?: readonly string[]; 'volumes-from'?: readonly string[]},
  remark: (text: string) => void,
): void {
  const options = [...volume.map((text) => text.split(':')[2]), ...lenders.map((text) => text.split(':')[1])];
  if (options.some(asksForLabels)) remark('winch: z and Z change nothing: files get no label of SELinux');
}

/**
 * Reads `--volumes-from CONTAINER[:ro|rw]`.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseVolumesFrom(text: string): VolumesFrom {
  const lender = readVolumesFrom(text);
  if (lender !== null) return lender;
  throw flagInvalid('--volumes-from', `${quote(text)} is not understood`, '--volumes-from CONTAINER[:ro]');
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
