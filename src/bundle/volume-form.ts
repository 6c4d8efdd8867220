import {definedMembers} from '../oci/defined-members.ts';
import type {MountRequest, VolumesFrom} from './container-options.ts';

export type Propagation = NonNullable<Extract<MountRequest, {type: 'bind'}>['propagation']>;

/** What docker's short form of a mount says. */
export interface VolumeForm {
  /** A path, or the name of a volume; null: a volume without a name. */
  readonly source: string | null;
  readonly target: string;
  readonly readOnly: boolean;
  readonly nocopy: boolean;
  readonly propagation: Propagation | undefined;
}

/** What is wrong with a short form: it has too many parts, its source is empty, or a word is no option. */
export type VolumeProblem =
  | {readonly problem: 'parts' | 'source'}
  | {readonly problem: 'option'; readonly word: string};

const PROPAGATIONS: readonly string[] = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'];
const LABELS: readonly string[] = ['z', 'Z'];
const OPTIONS: readonly string[] = ['ro', 'rw', 'nocopy', ...PROPAGATIONS];
// docker's words for other systems: SELinux labels, macOS caches. They change nothing here.
const WITHOUT_EFFECT: readonly string[] = ['', ...LABELS, 'cached', 'delegated', 'consistent'];

/** Reads `SOURCE:TARGET[:OPTIONS]`, or a target alone. What may stand for a source or a target is the caller's to say. */
export function readVolumeForm(text: string): VolumeForm | VolumeProblem {
  const [first = '', second, options = '', ...surplus] = text.split(':');
  if (surplus.length > 0) return {problem: 'parts'};
  if (second !== undefined && first === '') return {problem: 'source'};
  const words = options.split(',');
  const unknown = words.find((word) => !OPTIONS.includes(word) && !WITHOUT_EFFECT.includes(word));
  if (unknown !== undefined) return {problem: 'option', word: unknown};
  return {
    source: second === undefined ? null : first,
    target: second ?? first,
    readOnly: words.includes('ro'),
    nocopy: words.includes('nocopy'),
    propagation: words.find(isPropagation),
  };
}

/**
 * The mount that a short form asks for.
 *
 * @param path Where the source is on this machine, which is made when it is missing; null: it is a volume.
 */
export function toVolumeRequest({source, nocopy, ...form}: VolumeForm, path: string | null): MountRequest {
  const mount = definedMembers(form);
  if (path !== null) return {type: 'bind', source: path, createSource: true, ...mount};
  return {type: 'volume', ...(source !== null && {source}), ...mount, ...(nocopy && {nocopy})};
}

/** Reads `CONTAINER[:ro|rw]`; null: not understood. */
export function readVolumesFrom(text: string): VolumesFrom | null {
  const [container = '', mode, ...surplus] = text.split(':');
  const isMode = mode === undefined || mode === 'ro' || mode === 'rw' || LABELS.includes(mode);
  if (container === '' || !isMode || surplus.length > 0) return null;
  return {container, ...((mode === 'ro' || mode === 'rw') && {readOnly: mode === 'ro'})};
}

/** Whether options ask for labels of SELinux. */
export const asksForLabels = (options: string | undefined): boolean =>
  options?.split(',').some((word) => LABELS.includes(word)) ?? false;

/** Whether this is one of mount's six propagation modes. */
export const isPropagation = (word: string): word is Propagation => PROPAGATIONS.includes(word);
