import {BlockList, isIP} from 'node:net';

/** What an address that is written out reaches; null for a name or a public address. */
export type AddressClass = 'loopback' | 'link-local' | 'private' | null;

const RANGES = Object.freeze({
  loopback: ['127.0.0.0/8', '0.0.0.0/8', '::1/128', '::/128'],
  'link-local': ['169.254.0.0/16', 'fe80::/10'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'],
});

/**
 * The class of a URL's host name, by its text only: names other than `localhost` are not resolved.
 *
 * IPv4 addresses inside IPv6 ones count as what they hold. Link-local covers the metadata services of clouds.
 */
export function addressClass(hostname: string): AddressClass {
  const host = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  if (/^(.+\.)?localhost$/i.test(host)) return 'loopback';
  const version = isIP(host);
  if (version === 0) return null;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  for (const name of ['loopback', 'link-local', 'private'] as const) {
    if (blockList(RANGES[name]).check(host, family)) return name;
  }
  return null;
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = '', prefix] = range.split('/');
    list.addSubnet(network, Number(prefix), network.includes(':') ? 'ipv6' : 'ipv4');
  }
  return list;
}
