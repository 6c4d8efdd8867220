import {readFileSync, readlinkSync} from 'node:fs';
import {hasErrno} from '../errors.ts';

export interface IdMaps {
  readonly uids: readonly MappedIds[];
  readonly gids: readonly MappedIds[];
}

export interface MappedIds {
  readonly inside: number;
  readonly count: number;
}

/** The kernel's PROC_USER_INIT_INO. */
const INITIAL_NAMESPACE = 'user:[4026531837]';

/** Whether this process is in the user namespace that the machine was started with. */
export function isInitialUserNamespace(): boolean {
  try {
    return readlinkSync('/proc/self/ns/user') === INITIAL_NAMESPACE;
  } catch (error) {
    // A kernel without user namespaces.
    if (hasErrno(error, 'ENOENT')) return true;
    throw error;
  }
}

/** Whether this process may do what is for root of the machine alone. */
export const isMachinesRoot = (): boolean => process.geteuid?.() === 0 && isInitialUserNamespace();

/** The ids that there are in this process's user namespace (user_namespaces(7)). */
export const readIdMaps = (): IdMaps => ({uids: readMap('/proc/self/uid_map'), gids: readMap('/proc/self/gid_map')});

/** What root of this process's user namespace is in the one around it. */
export const readOwnIds = (): {readonly uid: number; readonly gid: number} => ({
  uid: outsideRoot('/proc/self/uid_map'),
  gid: outsideRoot('/proc/self/gid_map'),
});

const outsideRoot = (path: string): number => Number(/^\s*0\s+(\d+)/m.exec(readFileSync(path, 'utf8'))?.[1] ?? 0);

export const isMapped = (ids: readonly MappedIds[], id: number): boolean =>
  ids.some(({inside, count}) => id >= inside && id < inside + count);

/** The maps as they are: namespaces with equal ones show the same owners of files. */
export const describeIdMaps = (): string =>
  ['/proc/self/uid_map', '/proc/self/gid_map']
    .map((path) => readFileSync(path, 'utf8').trim().replaceAll(/\s+/g, ' '))
    .join(' / ');

const readMap = (path: string): readonly MappedIds[] =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const [inside = 0, , count = 0] = line.trim().split(/\s+/).map(Number);
      return {inside, count};
    });
