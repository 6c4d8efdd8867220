import type {CreateNetworkRequest, SubnetRequest} from '../containers/networks/create-network.ts';
import {readDriverOptions} from '../containers/networks/driver-options.ts';
import {WinchError} from '../errors.ts';
import type {NetworkDriver} from '../network/definition.ts';
import type {NetworkJoin, NetworkLink} from '../network/network-mode.ts';
import {definedMembers} from '../oci/defined-members.ts';
import {notOffered} from './api-error.ts';
import {type BodyFields, nonEmpty, readFields} from './body-fields.ts';

const DRIVERS: readonly NetworkDriver[] = ['bridge', 'macvlan', 'ipvlan'];
const IPAM_DRIVERS = ['', 'default', 'host-local'];
/** Of a swarm, or of networks that are templates for others. */
const NOT_TAKEN = ['Ingress', 'ConfigOnly', 'ConfigFrom'];

/**
 * What the body of a request for a network asks for.
 *
 * @throws {WinchError} `BODY_INVALID` | `NOT_OFFERED` | `NETWORK_INVALID`
 * @see Engine API v1.51, NetworkCreate
 */
export function readNetworkRequest(body: unknown): CreateNetworkRequest {
  const fields = readFields(body);
  const untaken = NOT_TAKEN.find((name) => fields.says(name));
  if (untaken !== undefined) throw notOffered(`networks with ${untaken} are not offered`, 'leave it out');
  const driver = readDriver(fields.text('Driver') || 'bridge');
  return definedMembers({
    name: fields.text('Name') ?? '',
    ...readDriverOptions(fields.textMap('Options') ?? {}, driver),
    subnets: readSubnets(fields.record('IPAM')),
    isInternal: fields.flag('Internal'),
    ipv6: fields.flag('EnableIPv6'),
    labels: fields.textMap('Labels'),
  });
}

function readDriver(name: string): NetworkDriver {
  const driver = DRIVERS.find((candidate) => candidate === name);
  if (driver !== undefined) return driver;
  throw notOffered(`networks of the driver ${JSON.stringify(name)} are not offered`, `there are ${DRIVERS.join(', ')}`);
}

function readSubnets(ipam: BodyFields): readonly SubnetRequest[] | undefined {
  const driver = ipam.text('Driver') ?? '';
  if (!IPAM_DRIVERS.includes(driver) || ipam.says('Options')) {
    throw notOffered('addresses are given out by winch alone', 'leave out the Driver and the Options of IPAM');
  }
  const subnets = ipam.records('Config').flatMap(readSubnet);
  return nonEmpty(subnets);
}

/** Clients write an empty one for what is not said. */
function readSubnet(config: BodyFields): readonly SubnetRequest[] {
  if (config.says('AuxiliaryAddresses')) {
    throw notOffered('no addresses are set aside', 'give the network a range for its containers (IPRange)');
  }
  const subnet = config.text('Subnet') ?? '';
  if (subnet === '') return [];
  return [
    {
      subnet,
      gateway: withoutPrefix(config.text('Gateway')) || undefined,
      range: config.text('IPRange') || undefined,
    },
  ];
}

/** Some clients write the prefix of the subnet behind the address. */
const withoutPrefix = (address: string | undefined): string | undefined => address?.replace(/\/\d+$/, '');

/**
 * What an `EndpointSettings` asks for a container in a network.
 *
 * @throws {WinchError} `BODY_INVALID`
 */
export function readJoin(name: string, endpoint: BodyFields): NetworkJoin {
  const ipam = endpoint.record('IPAMConfig');
  const addresses = [ipam.text('IPv4Address'), ipam.text('IPv6Address')].filter((address) => Boolean(address));
  return definedMembers({
    name,
    aliases: nonEmpty(endpoint.texts('Aliases')),
    addresses: addresses.length > 0 ? addresses.map(String) : undefined,
    macAddress: endpoint.text('MacAddress') || undefined,
    links: readLinks(endpoint.texts('Links')),
  });
}

/**
 * `CONTAINER:ALIAS`, or a container that is called by its own name.
 *
 * @throws {WinchError} `BODY_INVALID`
 */
export const readLinks = (links: readonly string[] | undefined): readonly NetworkLink[] | undefined =>
  nonEmpty(
    links?.map((link) => {
      const [container = '', alias = container, ...surplus] = link.replace(/^\//, '').split(':');
      if (WORD.test(container) && WORD.test(alias) && surplus.length === 0) return {container, alias};
      throw new WinchError('BODY_INVALID', `the link ${JSON.stringify(link)} is not CONTAINER:ALIAS`, {
        kind: 'invalid',
      });
    }),
  );

/** What may stand in a file of hosts, and be a container's name. */
const WORD = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
