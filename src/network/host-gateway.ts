import {readFileSync} from 'node:fs';
import {type NetworkInterfaceInfo, networkInterfaces} from 'node:os';
import {hasErrno, WinchError} from '../errors.ts';
import {HOST_GATEWAY, type HostsEntry} from './hosts-file.ts';
import type {StackName} from './network-mode.ts';

/** Where a container of a user finds this machine. */
export interface HostGateway {
  /** Of this machine. */
  readonly address: string;
  /** One that the container may have: none of the machine's. */
  readonly freeAddress: string;
}

/** What of the machine is looked at. */
export interface MachineNetwork {
  readonly interfaces: Readonly<
    Record<string, readonly Pick<NetworkInterfaceInfo, 'address' | 'family' | 'internal'>[]>
  >;
  /** `/proc/net/route`. */
  readonly routes: string;
}

/** What slirp4netns makes its own network of: it leads to no machine there. */
const SLIRP_NETWORK = '10.0.2.';
/** The first is what slirp4netns gives a container. */
const FREE_ADDRESSES = ['10.0.2.100', '10.0.2.101'] as const;

/** Entries with the address in the place of `host-gateway`, which stays where there is none. Pure. */
export const replaceHostGateway = (
  entries: readonly HostsEntry[] | undefined,
  gateway: string | undefined,
): readonly HostsEntry[] | undefined =>
  entries?.map(({name, address}) => ({name, address: address === HOST_GATEWAY ? (gateway ?? address) : address}));

/**
 * What stands for `host-gateway` in a network of a user; null: nobody asks for that.
 *
 * @throws {WinchError} `NETWORK_INVALID`: the machine has no address that the program leads to.
 */
export function findHostGateway(stack: StackName, entries: readonly HostsEntry[] | undefined): HostGateway | null {
  if (!entries?.some(({address}) => address === HOST_GATEWAY)) return null;
  const gateway = chooseHostGateway(stack, {
    interfaces: networkInterfaces() as MachineNetwork['interfaces'],
    routes: readRoutes(),
  });
  if (gateway !== null) return gateway;
  throw new WinchError(
    'NETWORK_INVALID',
    `${HOST_GATEWAY} is nothing: ${stack} leads to no IPv4 address of this machine`,
    {
      kind: 'invalid',
      hint: 'write an address, or choose the network host, where localhost is this machine',
    },
  );
}

/** An address of the device that leads out, or else of any; null: there is none. Pure. */
export function chooseHostGateway(stack: StackName, {interfaces, routes}: MachineNetwork): HostGateway | null {
  const all = Object.entries(interfaces).flatMap(([device, addresses]) =>
    addresses.filter(({family, internal}) => family === 'IPv4' && !internal).map(({address}) => ({device, address})),
  );
  const reached = all.filter(({address}) => stack === 'pasta' || !address.startsWith(SLIRP_NETWORK));
  const chosen = reached.find(({device}) => device === findDefaultDevice(routes)) ?? reached[0];
  const freeAddress = FREE_ADDRESSES.find((free) => !all.some(({address}) => address === free));
  return chosen && freeAddress ? {address: chosen.address, freeAddress} : null;
}

/** The columns are the device, the destination and more; the default route's destination is zero. */
const findDefaultDevice = (routes: string): string | undefined =>
  routes
    .split('\n')
    .map((line) => line.split('\t'))
    .find(([, destination]) => destination === '00000000')?.[0];

/** A kernel without IPv4 has none. */
function readRoutes(): string {
  try {
    return readFileSync('/proc/net/route', 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return '';
    throw error;
  }
}
