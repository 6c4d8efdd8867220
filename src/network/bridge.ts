import {formatHostsFile, LOOPBACK_HOSTS} from './hosts-file.ts';
import type {PlanNetwork} from './network.ts';
import {formatResolvConf} from './resolv-conf.ts';

/**
 * A network of its own, with the machine's name servers. A server at a loopback address is the machine's alone: it cannot
 * be asked from here.
 */
export const planBridgeNetwork: PlanNetwork = ({hostname, extraHosts = [], dns = {}, hostResolvConf}) => ({
  namespace: 'new',
  files: {
    // Its own name is among those of its networks, with the address that others know.
    hosts: formatHostsFile(LOOPBACK_HOSTS, null, extraHosts),
    hostname: `${hostname}\n`,
    resolvConf: formatResolvConf(withoutLoopback(hostResolvConf ?? ''), dns),
  },
});

const withoutLoopback = (text: string): string =>
  text
    .split('\n')
    .filter((line) => !/^\s*nameserver\s+(127\.|::1\b)/.test(line))
    .join('\n');
