import {formatHostsFile, LOOPBACK_HOSTS} from './hosts-file.ts';
import type {PlanNetwork} from './network.ts';
import {formatResolvConf} from './resolv-conf.ts';

/** No network but a loopback of the container's own; no name server can be reached, so none of the host's is told. */
export const planNoNetwork: PlanNetwork = ({hostname, extraHosts = [], dns = {}}) => ({
  namespace: 'new',
  files: {
    hosts: formatHostsFile(LOOPBACK_HOSTS, hostname, extraHosts),
    hostname: `${hostname}\n`,
    resolvConf: formatResolvConf('', dns),
  },
});
