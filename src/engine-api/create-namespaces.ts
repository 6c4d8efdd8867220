import type {ContainerOptions} from '../bundle/container-options.ts';
import {IPC_MODES, readIpcMode} from '../bundle/ipc-mode.ts';
import {readPidMode} from '../bundle/pid-mode.ts';
import {definedMembers} from '../oci/defined-members.ts';
import {notOffered} from './api-error.ts';
import type {BodyFields} from './body-fields.ts';

const UTS_MODES = ['host'] as const;
const CGROUP_MODES = ['private', 'host'] as const;

/**
 * Whose namespaces a `HostConfig` asks for.
 *
 * @throws {WinchError} `BODY_INVALID` | `NOT_OFFERED`
 */
export const readNamespaces = (host: BodyFields): ContainerOptions =>
  definedMembers({
    pid: readPid(host),
    ipc: readIpc(host),
    uts: readMode(host, 'UTSMode', UTS_MODES),
    cgroupns: readMode(host, 'CgroupnsMode', CGROUP_MODES),
  });

function readPid(host: BodyFields): ContainerOptions['pid'] {
  const pid = readPidMode(host.text('PidMode') ?? '');
  if (pid !== null) return pid;
  throw notOffered('HostConfig.PidMode is not offered', 'say host or container:NAME, or leave it out');
}

function readIpc(host: BodyFields): ContainerOptions['ipc'] {
  const ipc = readIpcMode(host.text('IpcMode') ?? '');
  if (ipc !== null) return ipc;
  throw notOffered('HostConfig.IpcMode is not offered', `say ${IPC_MODES}, or leave it out`);
}

function readMode<T extends string>(host: BodyFields, name: string, modes: readonly T[]): T | undefined {
  const text = host.text(name) || undefined;
  const mode = modes.find((known) => known === text);
  if (text === mode) return mode;
  throw notOffered(`HostConfig.${name} is not offered`, `say ${modes.join(' or ')}, or leave it out`);
}
