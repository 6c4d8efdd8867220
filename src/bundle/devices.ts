import {readdirSync, type Stats, statSync} from 'node:fs';
import {posix} from 'node:path';
import {hasErrno, WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {RuntimeDevice, RuntimeDeviceRule} from '../oci/runtime-spec.ts';
import type {ContainerOptions} from './container-options.ts';

/** The device nodes a container gets besides the runtime's own, and what its cgroup lets it open. */
export interface DevicePlan {
  readonly devices: readonly RuntimeDevice[];
  readonly rules: readonly RuntimeDeviceRule[];
}

type DeviceRequest = NonNullable<ContainerOptions['devices']>[number];

/** Major and minor numbers of zero, null, urandom, random, tty and console. */
const HARMLESS: readonly (readonly [number, number])[] = [
  [1, 5],
  [1, 3],
  [1, 9],
  [1, 8],
  [5, 0],
  [5, 1],
];

const DEFAULT_RULES: readonly RuntimeDeviceRule[] = [
  {allow: false, access: 'rwm'},
  ...HARMLESS.map(([major, minor]) => ({allow: true, type: 'c', major, minor, access: 'rwm'}) as const),
];

/** Mounts of the host that say nothing to a container, and the terminal that the runtime sets up itself. */
const NOT_LISTED: readonly string[] = ['/dev/pts', '/dev/shm', '/dev/fd', '/dev/mqueue', '/dev/console'];

/**
 * Looks up the devices that the caller asks, or every device of the host when privileged. Directories stand for all
 * devices below them.
 *
 * Synchronous: it must see the mounts of the calling thread.
 *
 * @throws {WinchError} `DEVICE_INVALID`: no device there, or permissions other than some of `rwm`.
 */
export function resolveDevices(options: ContainerOptions): DevicePlan {
  const asked = (options.devices ?? []).flatMap(resolveRequest);
  if (options.privileged !== true) {
    return {devices: asked.map(({device}) => device), rules: [...DEFAULT_RULES, ...asked.map(({rule}) => rule)]};
  }
  const host = listDevices('/dev');
  const renamed = asked.filter(({device}) => host.every(({path}) => path !== device.path));
  return {devices: [...host, ...renamed.map(({device}) => device)], rules: [{allow: true, access: 'rwm'}]};
}

function resolveRequest({source, target, permissions}: DeviceRequest) {
  if (!/^(?!.*(.).*\1)[rwm]{1,3}$/.test(permissions)) throw invalidDevice(source, 'has permissions other than rwm');
  const devices = devicesAt(source).map((device) => ({...device, path: target + device.path.slice(source.length)}));
  if (devices.length === 0) throw invalidDevice(source, 'is no device');
  return devices.map((device) => ({device, rule: allowDevice(device, permissions)}));
}

const allowDevice = ({type, major, minor}: RuntimeDevice, access: string): RuntimeDeviceRule => ({
  allow: true,
  type: type === 'b' ? 'b' : 'c',
  major,
  minor,
  access,
});

function devicesAt(path: string): readonly RuntimeDevice[] {
  try {
    const stats = statSync(path);
    return stats.isDirectory() ? listDevices(path) : describeDevice(path, stats);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return [];
    throw error;
  }
}

function listDevices(directory: string): readonly RuntimeDevice[] {
  return readdirSync(directory, {withFileTypes: true}).flatMap((entry) => {
    const path = posix.join(directory, entry.name);
    const isListed = entry.isDirectory() || entry.isCharacterDevice() || entry.isBlockDevice();
    return isListed && !NOT_LISTED.includes(path) ? devicesAt(path) : [];
  });
}

function describeDevice(path: string, stats: Stats): readonly RuntimeDevice[] {
  if (!stats.isCharacterDevice() && !stats.isBlockDevice()) return [];
  const {major, minor} = splitDeviceNumber(stats.rdev);
  const fileMode = stats.mode & 0o7777;
  return [{path, type: stats.isBlockDevice() ? 'b' : 'c', major, minor, fileMode, uid: stats.uid, gid: stats.gid}];
}

/** glibc's encoding of dev_t: 12 low bits of the major number lie between two parts of the minor one. */
function splitDeviceNumber(rdev: number): {major: number; minor: number} {
  const bits = BigInt(rdev);
  return {
    major: Number(((bits >> 8n) & 0xfffn) | ((bits >> 32n) & 0xffff_f000n)),
    minor: Number((bits & 0xffn) | ((bits >> 12n) & 0xffff_ff00n)),
  };
}

const invalidDevice = (path: string, problem: string): WinchError =>
  new WinchError('DEVICE_INVALID', `device ${excerpt(path)} ${problem}`, {kind: 'invalid'});
