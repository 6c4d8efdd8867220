import {formatHostsFile, LOOPBACK_HOSTS} from './hosts-file.ts';
import type {PlanNetwork} from './network.ts';
import {formatResolvConf} from './resolv-conf.ts';

/** The host's own network, names and name servers. The files are copies: the container cannot change the host's. */
export const planHostNetwork: PlanNetwork = ({hostname, extraHosts = [], dns = {}, hostHosts, hostResolvConf}) => ({
  namespace: 'host',
  files: {
    hosts: formatHostsFile(hostHosts ?? LOOPBACK_HOSTS, hostname, extraHosts),
    hostname: `${hostname}\n`,
    resolvConf: formatResolvConf(hostResolvConf ?? '', dns),
  },
});
