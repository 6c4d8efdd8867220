import {accessSync, constants} from 'node:fs';
import {hasErrno} from '../errors.ts';
import {findSystemProgram} from '../host/system-programs.ts';
import {isPluginInstalled} from '../network/cni/find-plugin.ts';
import {STACKS} from '../network/stack-programs.ts';
import type {Check} from './diagnose.ts';
import type {UserRights} from './diagnose-user.ts';

const PLUGINS: readonly string[] = ['bridge', 'host-local'];
/** By the Debian package that brings them. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  iptables: ['iptables-save', 'iptables-restore'],
  iproute2: ['ip'],
};

const TUN = '/dev/net/tun';

/** What containers need to join networks and publish ports. */
export function diagnoseNetwork(user: UserRights | null): Check {
  const name = 'networks';
  if (user !== null) return diagnoseStacks(name);
  const packages = [
    ...(PLUGINS.every(isPluginInstalled) ? [] : ['containernetworking-plugins']),
    ...Object.keys(PROGRAMS).filter((name) => !PROGRAMS[name]?.every((program) => findSystemProgram(program) !== null)),
  ];
  if (packages.length === 0) return {name, state: 'ok', detail: 'CNI plugins and iptables', remedy: null};
  const detail = 'containers have none, or that of the machine';
  return {name, state: 'limited', detail, remedy: `apt-get install ${packages.join(' ')}`};
}

/** Of users each container has one by itself. */
function diagnoseStacks(name: string): Check {
  const installed = STACKS.find((stack) => findSystemProgram(stack.name) !== null);
  if (installed === undefined) {
    const detail = 'containers have none, or that of the machine: neither pasta nor slirp4netns is installed';
    return {name, state: 'limited', detail, remedy: `sudo apt-get install ${STACKS[0]?.debianPackage}`};
  }
  if (mayOpenTun())
    return {name, state: 'ok', detail: `each container by itself, with ${installed.name}`, remedy: null};
  const detail = `containers have none, or that of the machine: ${TUN} cannot be opened`;
  return {name, state: 'limited', detail, remedy: `sudo modprobe tun; sudo chmod 0666 ${TUN}`};
}

function mayOpenTun(): boolean {
  try {
    accessSync(TUN, constants.R_OK | constants.W_OK);
    return true;
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ENXIO')) return false;
    throw error;
  }
}
