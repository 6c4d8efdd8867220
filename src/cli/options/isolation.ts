import type {ContainerOptions} from '../../bundle/container-options.ts';
import {IPC_MODES, readIpcMode} from '../../bundle/ipc-mode.ts';
import {readPidMode} from '../../bundle/pid-mode.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {choice, flag, grouped, list, type OptionValues, text} from '../arguments/option-table.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';
import type {Environment} from '../environment.ts';
import {parseKeyValues} from './key-value.ts';
import {parseSecurityOption} from './security-option.ts';

/** Flags about what the container may do. */
export const ISOLATION_FLAGS = grouped('Isolation:', {
  'cap-add': list('CAPABILITY', 'Add a capability (NET_ADMIN, ALL)'),
  'cap-drop': list('CAPABILITY', 'Drop a capability (MKNOD, ALL)'),
  privileged: flag('All capabilities and devices, no system call filter'),
  'security-opt': list('OPTION', 'no-new-privileges, seccomp=unconfined|FILE, apparmor=, mask=, unmask='),
  pid: text('private|host|container:NAME', "Let it see the machine's processes, or a container's", {
    defaultsTo: 'private',
  }),
  ipc: text('MODE', `Whose shared memory it has: ${IPC_MODES}; none is without /dev/shm`, {defaultsTo: 'private'}),
  uts: choice(['private', 'host'], "Let it have the machine's host name"),
  cgroupns: choice(['private', 'host'], 'Whether it sees where its cgroup is'),
  sysctl: list('KEY=value', 'Set a kernel parameter of its namespaces'),
});

/** @throws {WinchError} `FLAG_INVALID` */
export const parseIsolation = (
  values: OptionValues<typeof ISOLATION_FLAGS>,
  environment: Environment,
): ContainerOptions =>
  definedMembers({
    capabilitiesToAdd: values['cap-add'],
    capabilitiesToDrop: values['cap-drop'],
    privileged: values.privileged,
    securityOptions: values['security-opt']?.flatMap((option) => parseSecurityOption(option, environment)),
    pid: parsePid(values.pid),
    ipc: parseIpc(values.ipc),
    uts: values.uts === 'host' ? values.uts : undefined,
    cgroupns: values.cgroupns,
    sysctls: values.sysctl && parseKeyValues('--sysctl', values.sysctl),
  });

function parseIpc(text = ''): ContainerOptions['ipc'] {
  const ipc = readIpcMode(text);
  if (ipc !== null) return ipc;
  throw flagInvalid('--ipc', `${quote(text)} is none of ${IPC_MODES}`, '--ipc shareable');
}

function parsePid(text = ''): ContainerOptions['pid'] {
  const pid = readPidMode(text);
  if (pid !== null) return pid;
  throw flagInvalid('--pid', `${quote(text)} is neither host nor container:NAME`, '--pid host');
}
