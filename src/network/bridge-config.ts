import type {PluginConfig} from './cni/run-plugin.ts';
import type {NetworkDefinition} from './definition.ts';
import type {NetworkJoin} from './network-mode.ts';

const CNI_VERSION = '1.0.0';

export interface BridgeConfigInput {
  readonly network: NetworkDefinition;
  readonly join: NetworkJoin;
  /** Whether the container's way to the world leads through this network. */
  readonly isDefault: boolean;
  /** Where taken addresses are noted. */
  readonly addressDirectory: string;
}

/**
 * The configuration by which the plugin `bridge` connects a container to a network, with addresses of `host-local`. Pure.
 *
 * Without `ipMasq`: the plugin removes its rules only as long as the container's namespace is there, which ends with the
 * container.
 *
 * @see https://www.cni.dev/plugins/v1.1/main/bridge/ and https://www.cni.dev/plugins/v1.1/ipam/host-local/
 */
export function createBridgeConfig({network, join, isDefault, addressDirectory}: BridgeConfigInput): PluginConfig {
  const {addresses = [], macAddress} = join;
  return {
    cniVersion: CNI_VERSION,
    name: network.name,
    type: 'bridge',
    bridge: network.bridge,
    isGateway: true,
    isDefaultGateway: isDefault && !network.isInternal,
    // A container reaches its own published ports as well.
    hairpinMode: true,
    ...(network.mtu !== null && {mtu: network.mtu}),
    ipam: {
      type: 'host-local',
      dataDir: addressDirectory,
      ranges: network.subnets.map(({subnet, gateway, range}) => [
        {subnet, gateway, ...(range && {rangeStart: range.first, rangeEnd: range.last})},
      ]),
    },
    runtimeConfig: {
      ...(addresses.length > 0 && {ips: addresses}),
      ...(macAddress !== undefined && {mac: macAddress}),
    },
  };
}
