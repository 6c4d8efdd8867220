import type {CreateNetworkRequest, SubnetRequest} from '../../containers/networks/create-network.ts';
import type {NetworkDriver, NetworkParent} from '../../network/definition.ts';
import {PARENT_MODES} from '../../network/parent-config.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {flagInvalid, flagsConflict, quote} from '../arguments/usage-error.ts';
import {parseKeyValues} from './key-value.ts';
import {parseInteger} from './number.ts';

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

const MTU_KEYS: readonly string[] = ['com.docker.network.driver.mtu', 'mtu'];
const PARENT = 'parent';
/** What IPv4 needs at least, and the most that a device has. */
const MTU_RANGE = Object.freeze({minimum: 68, maximum: 65_535});

/**
 * What `winch network create` asks of the library. Gateways and ranges go with the subnets in their order.
 *
 * @throws {WinchError} `FLAG_INVALID` | `FLAGS_CONFLICT`
 */
export function parseCreateNetwork(name: string, values: CreateNetworkValues): CreateNetworkRequest {
  const {driver = 'bridge', opt = []} = values;
  const options = parseKeyValues('--opt', opt);
  requireOwnOptions(options, driver);
  return {
    name,
    ...definedMembers({
      parent: driver === 'bridge' ? undefined : parseParent(driver, options),
      subnets: parseSubnets(values),
      isInternal: values.internal,
      ipv6: values.ipv6,
      mtu: parseMtu(options),
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

type DriverOptions = Readonly<Record<string, string>>;

/** Docker has the driver in the key of its mode, podman has not. */
const modeKeys = (driver: NetworkDriver): readonly string[] => [`${driver}_mode`, 'mode'];

function requireOwnOptions(options: DriverOptions, driver: NetworkDriver): void {
  const known = [...MTU_KEYS, ...(driver === 'bridge' ? [] : [PARENT, ...modeKeys(driver)])];
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw flagInvalid('--opt', `${quote(unknown)} is not known of a ${driver}`, `--opt ${known.join('=, ')}=`);
  }
}

function parseParent(driver: NetworkParent['driver'], options: DriverOptions): NetworkParent {
  const device = options[PARENT];
  if (!device) throw flagsConflict(`a ${driver} needs a device of this machine`, 'add --opt parent=eth0');
  const mode = modeKeys(driver)
    .map((key) => options[key])
    .find((value) => value !== undefined);
  return {driver, device, mode: mode ?? PARENT_MODES[driver][0] ?? ''};
}

function parseMtu(options: DriverOptions): number | undefined {
  const value = MTU_KEYS.map((key) => options[key]).find((text) => text !== undefined);
  return value === undefined ? undefined : parseInteger('--opt', value, MTU_RANGE);
}
