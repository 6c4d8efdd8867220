import {WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {ContainerOptions} from './container-options.ts';

/** What the kernel takes as one name, and what is left of PATH_MAX for a mount point before it and a container after it. */
const NAME_BYTES = 255;
const PATH_BYTES = 2048;
/** A line break would make /proc/PID/cgroup another text, and none of the others can be read. */
const UNREADABLE = /\p{Cc}/u;

/**
 * Where a container's cgroup is to be: an absolute path is one below the root of the hierarchies, any other one is below
 * the cgroup of whoever starts the container.
 *
 * @returns null: nothing is asked for.
 * @throws {WinchError} `CGROUP_PARENT_INVALID` | `CGROUP_CONTROLLER_MISSING`: users have no cgroups to give
 */
export function requireCgroupParent(
  {cgroupParent = ''}: Pick<ContainerOptions, 'cgroupParent'>,
  {isForeign}: {readonly isForeign: boolean},
): string | null {
  if (cgroupParent === '') return null;
  const names = cgroupParent === '/' ? [] : cgroupParent.replace(/^\//, '').split('/');
  if (Buffer.byteLength(cgroupParent) > PATH_BYTES) throw invalid(cgroupParent, `is longer than ${PATH_BYTES} bytes`);
  if (UNREADABLE.test(cgroupParent)) throw invalid(cgroupParent, 'has control characters');
  if (names.some((name) => ['', '.', '..'].includes(name))) throw invalid(cgroupParent, 'has an empty, . or .. part');
  if (names.some((name) => Buffer.byteLength(name) > NAME_BYTES)) {
    throw invalid(cgroupParent, `has a part of more than ${NAME_BYTES} bytes`);
  }
  if (names.at(-1)?.endsWith('.slice')) throw ofSystemd(cgroupParent);
  if (isForeign) throw foreign();
  return cgroupParent;
}

const invalid = (parent: string, problem: string): WinchError =>
  new WinchError('CGROUP_PARENT_INVALID', `the parent ${excerpt(parent)} of a cgroup ${problem}`, {
    kind: 'invalid',
    hint: 'write a path as /ci/builds, or one below the own cgroup as builds',
  });

const ofSystemd = (parent: string): WinchError =>
  new WinchError('CGROUP_PARENT_INVALID', `the parent ${excerpt(parent)} of a cgroup is a slice, which systemd makes`, {
    kind: 'invalid',
    hint: 'cgroups are made here without systemd: write a path as /ci/builds',
  });

const foreign = (): WinchError =>
  new WinchError('CGROUP_CONTROLLER_MISSING', 'root of a user namespace has no cgroup to be the parent of others', {
    kind: 'unsupported',
    hint: 'run as root, or run without that parent',
  });
