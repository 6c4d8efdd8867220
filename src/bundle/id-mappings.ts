import {WinchError} from '../errors.ts';
import {findHostId, type IdMappings} from '../oci/id-mappings.ts';
import type {RuntimeIdMapping, RuntimeMount, RuntimeSpec} from '../oci/runtime-spec.ts';
import {adaptToUserNamespace, foreignMemory} from './user-namespace.ts';

/** What the kernel takes: 2^32 - 1 stands for no id (user_namespaces(7)). */
const ID_LIMIT = 2 ** 32 - 1;
const RANGE_LIMIT = 340;
/** /proc/sys/kernel/overflowuid, unless somebody has changed it. */
const NOBODY = 65_534;

/**
 * @throws {WinchError} `ID_MAPPING_INVALID`: the kernel would not take it.
 * @see user_namespaces(7), "User and group ID mappings"
 */
export function requireIdMappings({uids, gids}: IdMappings): void {
  for (const [what, ranges] of Object.entries({user: uids, group: gids})) {
    if (ranges.length === 0 || ranges.length > RANGE_LIMIT) {
      throw invalid(`${ranges.length} ranges of ${what} ids`, `there may be 1 to ${RANGE_LIMIT}`);
    }
    for (const range of ranges) requireRange(what, range);
    for (const side of ['containerID', 'hostID'] as const) requireDistinct(what, ranges, side);
  }
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Between owners of files as a container has them, and as the machine. */
export interface OwnerTranslation {
  /** @throws {WinchError} `OWNER_UNMAPPED` */
  toHost(owner: Owner): Owner;
  /** What has no id there belongs to nobody, as the container sees it. */
  toContainer(owner: Owner): Owner;
}

export function translateOwners({uids, gids}: IdMappings): OwnerTranslation {
  const reverse = (ranges: readonly RuntimeIdMapping[]) =>
    ranges.map(({containerID, hostID, size}) => ({containerID: hostID, hostID: containerID, size}));
  const [insideUids, insideGids] = [reverse(uids), reverse(gids)];
  return {
    toHost: (owner) => {
      const [uid, gid] = [findHostId(uids, owner.uid), findHostId(gids, owner.gid)];
      if (uid === null || gid === null) throw unmappedOwner(owner);
      return {uid, gid};
    },
    toContainer: (owner) => ({
      uid: findHostId(insideUids, owner.uid) ?? NOBODY,
      gid: findHostId(insideGids, owner.gid) ?? NOBODY,
    }),
  };
}

const unmappedOwner = ({uid, gid}: Owner): WinchError =>
  new WinchError('OWNER_UNMAPPED', `a file of ${uid}:${gid}, who is not mapped in the container's user namespace`, {
    kind: 'invalid',
    hint: 'map its owner as well, or let the files belong to root',
  });

/**
 * The same container in a user namespace of its own.
 *
 * @param path Where that is, with the container's network; absent: the runtime makes it.
 * @throws {WinchError} `USER_UNMAPPED`: its user is none of those that the namespace has · `NAMESPACE_UNSUPPORTED`
 * @see runtime-spec v1.0.2 config-linux.md#user-namespace-mappings
 */
export function withIdMappings(spec: RuntimeSpec, {uids, gids}: IdMappings, path?: string): RuntimeSpec {
  const inside = (ranges: readonly RuntimeIdMapping[]) =>
    ranges.map(({containerID, size}) => ({inside: containerID, count: size}));
  requireUser(spec, {uids, gids});
  // Nobody enters from a user namespace what belongs to another one.
  if (spec.linux.namespaces.some(({type, path: place}) => type === 'ipc' && place !== undefined)) throw foreignMemory();
  const adapted = adaptToUserNamespace(spec, {uids: inside(uids), gids: inside(gids)});
  const {namespaces, cgroupsPath} = spec.linux;
  // With a network of its own the namespace may mount the sysfs that shows it.
  const ownSysfs = path !== undefined || hasOwnNetwork(spec) ? spec.mounts.find(isSysfs) : undefined;
  const chooseMount = (mount: RuntimeMount) =>
    ownSysfs && mount.destination === ownSysfs.destination ? ownSysfs : mount;
  const {additionalGids: _, ...user} = adapted.process.user;
  return {
    ...adapted,
    // Who may map one group alone may not set others either (user_namespaces(7), setgroups).
    process: {...adapted.process, user: isOne(gids) ? user : adapted.process.user},
    mounts: adapted.mounts.map(chooseMount),
    linux: {
      ...adapted.linux,
      ...(cgroupsPath !== undefined && {cgroupsPath}),
      namespaces: [...namespaces, {type: 'user', ...(path !== undefined && {path})}],
      uidMappings: uids,
      gidMappings: gids,
    },
  };
}

function requireUser({process: {user}}: RuntimeSpec, {uids, gids}: IdMappings): void {
  if (findHostId(uids, user.uid) !== null && findHostId(gids, user.gid) !== null) return;
  throw new WinchError('USER_UNMAPPED', `the container runs as ${user.uid}:${user.gid}, who is not mapped`, {
    kind: 'invalid',
    hint: 'map its user and group as well, or choose another user',
  });
}

const isOne = (ranges: readonly RuntimeIdMapping[]): boolean => ranges.length === 1 && ranges[0]?.size === 1;

/** One that the runtime makes, and not one that is there already. */
const hasOwnNetwork = ({linux: {namespaces}}: RuntimeSpec): boolean =>
  namespaces.some(({type, path}) => type === 'network' && path === undefined);

const isSysfs = ({type}: RuntimeMount): boolean => type === 'sysfs';

function requireRange(what: string, {containerID, hostID, size}: RuntimeIdMapping): void {
  const isId = (id: number) => Number.isSafeInteger(id) && id >= 0 && id + size <= ID_LIMIT;
  if (Number.isSafeInteger(size) && size >= 1 && isId(containerID) && isId(hostID)) return;
  throw invalid(`a range of ${what} ids ${containerID}:${hostID}:${size}`, `ids are whole numbers below ${ID_LIMIT}`);
}

function requireDistinct(what: string, ranges: readonly RuntimeIdMapping[], side: 'containerID' | 'hostID'): void {
  const sorted = ranges.toSorted((one, other) => one[side] - other[side]);
  for (const [index, {[side]: start, size}] of sorted.entries()) {
    const next = sorted[index + 1];
    if (next === undefined || start + size <= next[side]) continue;
    throw invalid(`two ranges of ${what} ids with ${next[side]}`, 'each id may be in one range only');
  }
}

const invalid = (problem: string, hint: string): WinchError =>
  new WinchError('ID_MAPPING_INVALID', `ids cannot be mapped: ${problem}`, {kind: 'invalid', hint});
