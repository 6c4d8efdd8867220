import {isIP} from 'node:net';
import {WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';

export interface HostsEntry {
  readonly name: string;
  readonly address: string;
}

/** What docker writes into every container's `/etc/hosts`. */
export const LOOPBACK_HOSTS = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`;

/** As docker writes the address of this machine, which a bridge of the container's has. */
export const HOST_GATEWAY = 'host-gateway';
/** A loopback address for the container's own name, as Debian has it, so that looking it up works without a network. */
const OWN_ADDRESS = '127.0.1.1';

/**
 * An `/etc/hosts`: `base`, the container's own name unless `base` knows it, then the extra entries.
 *
 * @param hostname Null: its own name is written by somebody else.
 * @throws {WinchError} `NETWORK_INVALID`: an entry without an IP address or with white space in its name.
 */
export function formatHostsFile(base: string, hostname: string | null, extraHosts: readonly HostsEntry[]): string {
  for (const {name, address} of extraHosts) {
    if (address === HOST_GATEWAY) throw withoutGateway(name);
    if (isIP(address) === 0 || !/^[^\s#]+$/.test(name)) throw invalidEntry(`${name}:${address}`);
  }
  const own = hostname === null || namesOf(base).has(hostname) ? [] : [{name: hostname, address: OWN_ADDRESS}];
  const lines = [...own, ...extraHosts].map(({name, address}) => `${address}\t${name}\n`);
  return [base === '' || base.endsWith('\n') ? base : `${base}\n`, ...lines].join('');
}

function namesOf(hosts: string): Set<string> {
  const fields = hosts.split('\n').map((line) => line.replace(/#.*/, '').trim().split(/\s+/));
  return new Set(fields.flatMap(([, ...names]) => names));
}

const withoutGateway = (name: string): WinchError =>
  new WinchError('NETWORK_INVALID', `${excerpt(name)} cannot be ${HOST_GATEWAY}: the container is in no bridge`, {
    kind: 'invalid',
    hint: 'write an address of this machine, or choose the network bridge',
  });

const invalidEntry = (entry: string): WinchError =>
  new WinchError('NETWORK_INVALID', `${excerpt(entry)} is not a host name with an IP address`, {kind: 'invalid'});
