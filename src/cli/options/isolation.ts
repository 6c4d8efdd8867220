import type {ContainerOptions} from '../../bundle/container-options.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {flag, grouped, list, type OptionValues} from '../arguments/option-table.ts';
import type {Environment} from '../environment.ts';
import {parseKeyValues} from './key-value.ts';
import {parseSecurityOption} from './security-option.ts';

/** Flags about what the container may do. */
export const ISOLATION_FLAGS = grouped('Isolation:', {
  'cap-add': list('CAPABILITY', 'Add a capability (NET_ADMIN, ALL)'),
  'cap-drop': list('CAPABILITY', 'Drop a capability (MKNOD, ALL)'),
  privileged: flag('All capabilities and devices, no system call filter'),
  'security-opt': list('OPTION', 'no-new-privileges, seccomp=unconfined|FILE, apparmor=, mask=, unmask='),
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
    sysctls: values.sysctl && parseKeyValues('--sysctl', values.sysctl),
  });
