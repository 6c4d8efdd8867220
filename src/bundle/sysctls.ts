import {WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {ContainerOptions} from './container-options.ts';

const IPC_SYSCTLS: readonly string[] = [
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
];

/** In a network of its own, a container may ping and bind low ports without capabilities, as with docker. */
const PRIVATE_NETWORK_DEFAULTS: Readonly<Record<string, string>> = {
  'net.ipv4.ping_group_range': '0 2147483647',
  'net.ipv4.ip_unprivileged_port_start': '0',
};

/**
 * The kernel settings of the container's namespaces: docker's defaults, the NIS domain name, and what the caller asks.
 *
 * @throws {WinchError} `SYSCTL_INVALID`: the setting is the host's as well, or has a field of its own.
 */
export function createSysctls(options: ContainerOptions, network: 'new' | 'host'): Record<string, string> {
  const asked = Object.entries(options.sysctls ?? {});
  for (const [name] of asked) refuseHostSetting(name, {...options, network});
  return {
    ...(network === 'new' && PRIVATE_NETWORK_DEFAULTS),
    ...(options.domainname !== undefined && {'kernel.domainname': options.domainname}),
    ...Object.fromEntries(asked),
  };
}

interface Sharing extends Pick<ContainerOptions, 'ipc' | 'uts'> {
  readonly network: 'new' | 'host';
}

function refuseHostSetting(name: string, {network, ipc, uts}: Sharing): void {
  // Empty or dotted components would climb out of the namespaced part of /proc/sys.
  if (!/^[\w-]+([./][\w-]+)+$/.test(name)) throw invalidSysctl(name, 'is not the name of a kernel setting');
  if (name === 'kernel.hostname') throw invalidSysctl(name, 'is set by the host name');
  if (name.startsWith('net.')) {
    if (network === 'host') throw invalidSysctl(name, 'belongs to the host while the container shares its network');
    return;
  }
  const isOfIpc = IPC_SYSCTLS.includes(name) || name.startsWith('fs.mqueue.');
  if (isOfIpc ? ipc === 'host' : name !== 'kernel.domainname' || uts === 'host') {
    throw invalidSysctl(name, 'is shared with the host');
  }
}

const invalidSysctl = (name: string, problem: string): WinchError =>
  new WinchError('SYSCTL_INVALID', `sysctl ${excerpt(name)} ${problem}`, {
    kind: 'invalid',
    hint: 'only net.*, fs.mqueue.* and the System V IPC settings are a container’s own',
  });
