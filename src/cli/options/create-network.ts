import type {CreateNetworkRequest, SubnetRequest} from '../../containers/networks/create-network.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {flagInvalid, flagsConflict, quote} from '../arguments/usage-error.ts';
import {parseKeyValues} from './key-value.ts';
import {parseInteger} from './number.ts';

export interface CreateNetworkValues {
  readonly subnet?: readonly string[];
  readonly gateway?: readonly string[];
  readonly 'ip-range'?: readonly string[];
  readonly internal?: boolean;
  readonly ipv6?: boolean;
  readonly opt?: readonly string[];
  readonly label?: readonly string[];
}

const MTU_KEYS: readonly string[] = ['com.docker.network.driver.mtu', 'mtu'];
/** What IPv4 needs at least, and the most that a device has. */
const MTU_RANGE = Object.freeze({minimum: 68, maximum: 65_535});

/**
 * What `winch network create` asks of the library. Gateways and ranges go with the subnets in their order.
 *
 * @throws {WinchError} `FLAG_INVALID` | `FLAGS_CONFLICT`
 */
export function parseCreateNetwork(name: string, values: CreateNetworkValues): CreateNetworkRequest {
  return {
    name,
    ...definedMembers({
      subnets: parseSubnets(values),
      isInternal: values.internal,
      ipv6: values.ipv6,
      mtu: parseMtu(values.opt ?? []),
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

function parseMtu(words: readonly string[]): number | undefined {
  const options = Object.entries(parseKeyValues('--opt', words));
  const unknown = options.find(([key]) => !MTU_KEYS.includes(key));
  if (unknown) throw flagInvalid('--opt', `${quote(unknown[0])} is not known`, '--opt mtu=1400');
  const value = options.at(-1)?.[1];
  return value === undefined ? undefined : parseInteger('--opt', value, MTU_RANGE);
}
