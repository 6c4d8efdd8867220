import type {ContainerOptions} from '../../bundle/container-options.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {grouped, list, type OptionValues, text} from '../arguments/option-table.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';

/** Flags about the network and names. */
export const NETWORK_FLAGS = grouped('Network:', {
  network: text('none|host', "The machine's own network or none; bridge networks come later", {
    aliases: ['net'],
    defaultsTo: 'host',
  }),
  hostname: text('NAME', 'Host name inside the container', {short: 'h'}),
  domainname: text('NAME', 'NIS domain name inside the container'),
  'add-host': list('NAME:ADDRESS', 'Add a line to /etc/hosts'),
  dns: list('ADDRESS', 'Ask this name server'),
  'dns-search': list('DOMAIN', 'Search names in this domain'),
  'dns-option': list('OPTION', 'An option of resolv.conf(5)', {aliases: ['dns-opt']}),
});

/** @throws {WinchError} `FLAG_INVALID` */
export function parseNetwork(values: OptionValues<typeof NETWORK_FLAGS>): ContainerOptions {
  const dns = definedMembers({servers: values.dns, search: values['dns-search'], options: values['dns-option']});
  return definedMembers({
    network: parseNetworkName(values.network ?? 'host'),
    hostname: values.hostname,
    domainname: values.domainname,
    extraHosts: values['add-host']?.map(parseExtraHost),
    dns: Object.keys(dns).length > 0 ? dns : undefined,
  });
}

function parseNetworkName(name: string): 'none' | 'host' {
  if (name === 'none' || name === 'host') return name;
  throw flagInvalid('--network', `${quote(name)} is not there yet`, '--network host or --network none');
}

// Addresses may be IPv6, so only the first separator counts.
function parseExtraHost(entry: string): {readonly name: string; readonly address: string} {
  const [, name, address] = /^([^:=]+)[:=]\[?([^\]]+)\]?$/.exec(entry) ?? [];
  if (name !== undefined && address !== undefined) return {name, address};
  throw flagInvalid('--add-host', `${quote(entry)} is not NAME:ADDRESS`, '--add-host db:10.0.0.7');
}
