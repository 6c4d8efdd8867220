import {WinchError} from '../../errors.ts';
import {type BridgeConfigInput, createBridgeConfig} from '../../network/bridge-config.ts';
import {readAddresses, readMacAddress} from '../../network/cni/result.ts';
import {addAttachment, type PluginConfig, type PluginOptions} from '../../network/cni/run-plugin.ts';
import type {NetworkJoin} from '../../network/network-mode.ts';
import {createParentConfig, leadsOut, requireParent} from '../../network/parent-config.ts';
import type {ContainerContext} from '../context.ts';
import type {Membership} from './connection-note.ts';
import {requireNetwork} from './definitions.ts';
import {addressDirectory} from './places.ts';

/**
 * How a container is to be in one more network. Whoever calls holds the lock of the networks.
 *
 * @param others Its networks so far; the first with a way out is where the rest of the world is.
 * @throws {WinchError} `NETWORK_UNKNOWN` | `NETWORK_SUBNETS_USED` | `NETWORK_PARENT_MISSING` | `NETWORK_INVALID`
 */
export async function planMembership(
  context: ContainerContext,
  join: NetworkJoin,
  others: readonly Membership[],
): Promise<Membership> {
  const network = await requireNetwork(context, join.name);
  const isDefault = !others.some(({config}) => leadsOut(config));
  return {
    network,
    device: freeDevice(others),
    aliases: join.aliases ?? [],
    ...(join.links && {links: join.links}),
    config: createConfig({network, join, isDefault, addressDirectory: addressDirectory(context)}),
    addresses: [],
    macAddress: null,
  };
}

function createConfig(input: BridgeConfigInput): PluginConfig {
  const {parent} = input.network;
  if (parent === undefined) return createBridgeConfig(input);
  requireParent(parent);
  if (parent.driver === 'ipvlan' && input.join.macAddress !== undefined) throw sharedHardwareAddress(input);
  return createParentConfig(parent, input);
}

const sharedHardwareAddress = ({network}: BridgeConfigInput): WinchError =>
  new WinchError('NETWORK_INVALID', `containers of ${network.name}, an ipvlan, have its parent's hardware address`, {
    kind: 'invalid',
  });

/**
 * Makes the device and its addresses.
 *
 * @param at The container, and its network namespace.
 * @throws {WinchError} `NETWORK_PLUGIN_NOT_FOUND` | `NETWORK_FAILED`
 */
export async function attachMembership(
  membership: Membership,
  at: {readonly containerId: string; readonly namespace: string},
  options: PluginOptions,
): Promise<Membership> {
  const {config, device} = membership;
  const result = await addAttachment(config, {...at, device}, options);
  const addresses = readAddresses(result).map(({address}) => address);
  return {...membership, addresses, macAddress: readMacAddress(result, device)};
}

function freeDevice(others: readonly Membership[]): string {
  for (let index = 0; ; index += 1) {
    const device = `eth${index}`;
    if (!others.some((other) => other.device === device)) return device;
  }
}
