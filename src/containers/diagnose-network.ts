import {findSystemProgram} from '../host/system-programs.ts';
import {isPluginInstalled} from '../network/cni/find-plugin.ts';
import type {Check} from './diagnose.ts';
import type {UserRights} from './diagnose-user.ts';

const PLUGINS: readonly string[] = ['bridge', 'host-local', 'loopback'];
/** By the Debian package that brings them. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  iptables: ['iptables-save', 'iptables-restore'],
  iproute2: ['ip'],
};

/** What containers need to join networks and publish ports. */
export function diagnoseNetwork(user: UserRights | null): Check {
  const name = 'networks';
  if (user !== null) return {name, state: 'limited', detail: 'only root can connect containers to them', remedy: null};
  const packages = [
    ...(PLUGINS.every(isPluginInstalled) ? [] : ['containernetworking-plugins']),
    ...Object.keys(PROGRAMS).filter((name) => !PROGRAMS[name]?.every((program) => findSystemProgram(program) !== null)),
  ];
  if (packages.length === 0) return {name, state: 'ok', detail: 'CNI plugins and iptables', remedy: null};
  const detail = 'containers have none, or that of the machine';
  return {name, state: 'limited', detail, remedy: `apt-get install ${packages.join(' ')}`};
}
