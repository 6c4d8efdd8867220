import {WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {RuntimeBlockIo, RuntimeDevice, RuntimeDeviceRule} from '../oci/runtime-spec.ts';
import {resolveBlockIo} from './block-io.ts';
import type {ContainerOptions} from './container-options.ts';
import {readDeviceRule} from './device-rule.ts';
import {devicesAt, listDevices} from './find-devices.ts';

/** The device nodes a container gets besides the runtime's own, and what its cgroup lets it do with any. */
export interface DevicePlan {
  readonly devices: readonly RuntimeDevice[];
  readonly rules: readonly RuntimeDeviceRule[];
  /** How much it may read and write; absent: as much as there is. */
  readonly blockIo?: RuntimeBlockIo;
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

/**
 * Looks up the devices that the caller asks, or every device of the host when privileged. Directories stand for all
 * devices below them.
 *
 * Synchronous: it must see the mounts of the calling thread.
 *
 * @throws {WinchError} `DEVICE_INVALID`: no device there, or permissions other than some of `rwm`, or a rule that is none.
 * · `RESOURCE_INVALID`
 */
export function resolveDevices(options: ContainerOptions): DevicePlan {
  const blockIo = resolveBlockIo(options);
  const asked = (options.devices ?? []).flatMap(resolveRequest);
  const further = (options.deviceCgroupRules ?? []).map(readDeviceRule);
  const limits = blockIo && {blockIo};
  if (options.privileged !== true) {
    const rules = [...DEFAULT_RULES, ...asked.map(({rule}) => rule), ...further];
    return {devices: asked.map(({device}) => device), rules, ...limits};
  }
  const host = listDevices('/dev');
  const renamed = asked.filter(({device}) => host.every(({path}) => path !== device.path));
  return {devices: [...host, ...renamed.map(({device}) => device)], rules: [{allow: true, access: 'rwm'}], ...limits};
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

const invalidDevice = (path: string, problem: string): WinchError =>
  new WinchError('DEVICE_INVALID', `device ${excerpt(path)} ${problem}`, {kind: 'invalid'});
