import {existsSync} from 'node:fs';
import {join as joinPath} from 'node:path';
import {WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {BridgeConfigInput} from './bridge-config.ts';
import type {PluginConfig} from './cni/run-plugin.ts';
import type {NetworkParent} from './definition.ts';

const CNI_VERSION = '1.0.0';
const DEVICES = '/sys/class/net';
const EVERYWHERE = Object.freeze({4: '0.0.0.0/0', 6: '::/0'});

/** The modes of each driver, the usual one first. */
export const PARENT_MODES: Readonly<Record<NetworkParent['driver'], readonly string[]>> = Object.freeze({
  macvlan: ['bridge', 'private', 'vepa', 'passthru'],
  ipvlan: ['l2', 'l3', 'l3s'],
});

/**
 * The configuration by which the plugins `macvlan` and `ipvlan` give a container a device of its own in the network of one
 * of this machine's, with addresses of `host-local`. Pure.
 *
 * @see https://www.cni.dev/plugins/v1.1/main/macvlan/ and https://www.cni.dev/plugins/v1.1/main/ipvlan/
 */
export function createParentConfig(
  {driver, device, mode}: NetworkParent,
  {network, join, isDefault, addressDirectory}: BridgeConfigInput,
): PluginConfig {
  const {addresses = [], macAddress} = join;
  const families = network.subnets.map(({gateway}) => (gateway.includes(':') ? 6 : 4));
  return {
    cniVersion: CNI_VERSION,
    name: network.name,
    type: driver,
    master: device,
    mode,
    ...(network.mtu !== null && {mtu: network.mtu}),
    ipam: {
      type: 'host-local',
      dataDir: addressDirectory,
      ranges: network.subnets.map(({subnet, gateway, range}) => [
        {subnet, gateway, ...(range && {rangeStart: range.first, rangeEnd: range.last})},
      ]),
      ...(isDefault && !network.isInternal && {routes: families.map((family) => ({dst: EVERYWHERE[family]}))}),
    },
    runtimeConfig: {
      ...(addresses.length > 0 && {ips: addresses}),
      ...(macAddress !== undefined && {mac: macAddress}),
    },
  };
}

/** Whether the rest of the world is reached through what a plugin makes by this configuration. */
export function leadsOut({isDefaultGateway, ipam}: PluginConfig): boolean {
  return isDefaultGateway === true || (typeof ipam === 'object' && ipam !== null && 'routes' in ipam);
}

/** @throws {WinchError} `NETWORK_PARENT_MISSING` */
export function requireParent({device}: NetworkParent): void {
  const isName = /^[^/\s]{1,15}$/.test(device) && device !== '.' && device !== '..';
  if (isName && existsSync(joinPath(DEVICES, device))) return;
  throw new WinchError('NETWORK_PARENT_MISSING', `this machine has no network device ${excerpt(device)}`, {
    kind: 'not-found',
    hint: 'choose one of those that `ip link` shows',
  });
}
