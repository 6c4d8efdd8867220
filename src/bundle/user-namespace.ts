import {WinchError} from '../errors.ts';
import {findDelegatedCgroup} from '../host/delegated-cgroup.ts';
import {type IdMaps, isInitialUserNamespace, isMapped, type MappedIds, readIdMaps} from '../host/user-namespace.ts';
import type {RuntimeMount, RuntimeSpec} from '../oci/runtime-spec.ts';

const TERMINAL_GROUP = 'gid=5';
const TERMINAL_GID = 5;
const PING_GROUPS = 'net.ipv4.ping_group_range';

/** The container as the user namespace of this process can have it. @throws as `adaptToUserNamespace` */
export function adaptToOwnNamespace(spec: RuntimeSpec): RuntimeSpec {
  if (isInitialUserNamespace()) return spec;
  const adapted = adaptToUserNamespace(spec, readIdMaps());
  const {cgroupsPath} = spec.linux;
  if (cgroupsPath === undefined || findDelegatedCgroup() === null) return adapted;
  return {...adapted, linux: {...adapted.linux, cgroupsPath}};
}

/**
 * The same container for root of a user namespace, who may not mount a new sysfs, use ids that the namespace lacks, or
 * make cgroups: the machine's `/sys` shows, read-only with all that is mounted there, and the container stays in the
 * cgroup of its starter.
 *
 * @throws {WinchError} `USER_UNMAPPED`: the namespace has no such user · `NAMESPACE_UNSUPPORTED`
 * @see user_namespaces(7)
 */
export function adaptToUserNamespace(spec: RuntimeSpec, {uids, gids}: IdMaps): RuntimeSpec {
  requireOwnProcesses(spec);
  const {user} = spec.process;
  requireMapped('user', user.uid, isMapped(uids, user.uid));
  requireMapped('group', user.gid, isMapped(gids, user.gid));
  const additionalGids = user.additionalGids?.filter((gid) => isMapped(gids, gid));
  const {cgroupsPath: _, sysctl, ...linux} = spec.linux;
  return {
    ...spec,
    process: {...spec.process, user: {...user, ...(additionalGids && {additionalGids})}},
    mounts: spec.mounts
      .filter((mount) => mayMount(mount, spec))
      .map((mount) => adaptMount(mount, isMapped(gids, TERMINAL_GID))),
    linux: {...linux, ...(sysctl && {sysctl: adaptSysctls(sysctl, gids)})},
  };
}

/** Nothing but their namespace, or a cgroup, keeps processes together when the first has ended. */
function requireOwnProcesses({linux: {namespaces}}: RuntimeSpec): void {
  if (namespaces.some(({type, path}) => type === 'pid' && path === undefined)) return;
  throw foreignProcesses();
}

export const foreignProcesses = (): WinchError =>
  new WinchError('NAMESPACE_UNSUPPORTED', 'a container in a user namespace sees no processes but its own', {
    kind: 'unsupported',
    hint: 'let it have its own; only as root, with the ids of the machine, it can see others',
  });

export const foreignMemory = (): WinchError =>
  new WinchError('NAMESPACE_UNSUPPORTED', 'a container in a user namespace shares its memory with no other', {
    kind: 'unsupported',
    hint: 'let it have its own; only as root, with the ids of the machine, it can share',
  });

/** The machine's queues belong to another user namespace; without their directory they can be used all the same. */
const mayMount = ({type}: RuntimeMount, {linux: {namespaces}}: RuntimeSpec): boolean =>
  type !== 'mqueue' || namespaces.some(({type: kind, path}) => kind === 'ipc' && path === undefined);

function adaptMount(mount: RuntimeMount, hasTerminalGroup: boolean): RuntimeMount {
  if (mount.type === 'sysfs') {
    return {...mount, type: 'bind', source: '/sys', options: ['rbind', 'nosuid', 'noexec', 'nodev', 'rro']};
  }
  if (mount.type !== 'devpts' || hasTerminalGroup) return mount;
  return {...mount, options: mount.options.filter((option) => option !== TERMINAL_GROUP)};
}

/** Groups that the namespace lacks cannot be written there. */
function adaptSysctls(sysctls: Readonly<Record<string, string>>, gids: readonly MappedIds[]) {
  const range = sysctls[PING_GROUPS]?.split(' ').map(Number);
  if (range === undefined || range.every((gid) => isMapped(gids, gid))) return sysctls;
  const last = Math.max(...gids.map(({inside, count}) => inside + count - 1));
  return {...sysctls, [PING_GROUPS]: `0 ${last}`};
}

function requireMapped(what: string, id: number, isThere: boolean): void {
  if (isThere) return;
  throw new WinchError('USER_UNMAPPED', `the container's ${what} ${id} does not exist in this user namespace`, {
    kind: 'unsupported',
    hint: 'winch doctor tells how to get more ids, or run as root',
  });
}
