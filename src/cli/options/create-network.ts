import type {CreateNetworkRequest, SubnetRequest} from '../../containers/networks/create-network.ts';
import {readDriverOptions} from '../../containers/networks/driver-options.ts';
import type {NetworkDriver} from '../../network/definition.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {flagsConflict} from '../arguments/usage-error.ts';
import {parseKeyValues} from './key-value.ts';

export interface CreateNetworkValues {
  readonly driver?: NetworkDriver;
  readonly subnet?: readonly string[];
  readonly gateway?: readonly string[];
  readonly 'ip-range'?: readonly string[];
  readonly internal?: boolean;
  readonly ipv6?: boolean;
  readonly opt?: readonly string[];
  readonly label?: readonly string[];
}

/**
 * What `winch network create` asks of the library. Gateways and ranges go with the subnets in their order.
 *
 * @throws {WinchError} `FLAG_INVALID` | `FLAGS_CONFLICT` | `NETWORK_INVALID`
 */
export function parseCreateNetwork(name: string, values: CreateNetworkValues): CreateNetworkRequest {
  const {driver = 'bridge', opt = []} = values;
  return {
    name,
    ...readDriverOptions(parseKeyValues('--opt', opt), driver),
    ...definedMembers({
      subnets: parseSubnets(values),
      isInternal: values.internal,
      ipv6: values.ipv6,
      labels: values.label && parseKeyValues('--label', values.label, {allowBareKey: true}),
    }),
  };
}

function parseSubnets(values: CreateNetworkValues): readonly SubnetRequest[] | undefined {
  const {subnet: subnets, gateway: gateways = [], 'ip-range': ranges = []} = values;
  for (const [flag, given] of Object.entries({gateway: gateways, 'ip-range': ranges})) {
    if (given.length <= (subnets?.length ?? 0)) continue;
    throw flagsConflict(`there is no --subnet for --${flag} ${given.at(-1)}`, 'give as many of --subnet');
  }
  return subnets?.map((subnet, index) => ({
    subnet,
    ...definedMembers({gateway: gateways[index], range: ranges[index]}),
  }));
}
