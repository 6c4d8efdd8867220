import {WinchError} from '../errors.ts';
import type {RuntimeNamespace} from '../oci/runtime-spec.ts';
import type {ContainerOptions} from './container-options.ts';

export interface NetworkOfContainer {
  /** `new`: it is the container's own; `host`: it is shared, with the host or with others. */
  readonly namespace: 'new' | 'host';
  /** Where the namespace is that the container joins; null: nothing has been made yet. */
  readonly path?: string | null | undefined;
}

export interface NamespacesInput {
  readonly options: Pick<ContainerOptions, 'pid' | 'ipc' | 'uts' | 'cgroupns'>;
  readonly network: NetworkOfContainer;
  readonly cgroupVersion: 'v1' | 'v2' | 'hybrid';
}

interface Namespace {
  readonly type: RuntimeNamespace;
  readonly path?: string;
}

/**
 * The namespaces that the container gets of its own, or joins. The cgroup namespace, unless it is asked for, only where
 * cgroups are unified: docker's rule, and on v1 programs look for their cgroup by the host's path.
 *
 * @throws {WinchError} `NAMESPACE_MISSING`: that of another container is asked for, and nobody has looked it up.
 */
export function createNamespaces({options, network, cgroupVersion}: NamespacesInput): readonly Namespace[] {
  const {namespace, path = null} = network;
  const hasCgroups = (options.cgroupns ?? (cgroupVersion === 'v2' ? 'private' : 'host')) === 'private';
  return [
    {type: 'mount'},
    ...(options.uts === 'host' ? [] : [{type: 'uts'} as const]),
    ...createIpc(options.ipc),
    ...createPid(options.pid),
    ...(path === null ? [] : [{type: 'network', path} as const]),
    ...(path === null && namespace === 'new' ? [{type: 'network'} as const] : []),
    ...(hasCgroups ? [{type: 'cgroup'} as const] : []),
  ];
}

function createIpc(ipc: ContainerOptions['ipc']): readonly Namespace[] {
  if (ipc === 'host') return [];
  if (typeof ipc !== 'object') return [{type: 'ipc'}];
  if ('namespace' in ipc) return [{type: 'ipc', path: ipc.namespace}];
  throw notJoined('queues and memory');
}

function createPid(pid: ContainerOptions['pid']): readonly Namespace[] {
  if (pid === undefined) return [{type: 'pid'}];
  if (pid === 'host') return [];
  if ('namespace' in pid) return [{type: 'pid', path: pid.namespace}];
  throw notJoined('processes');
}

const notJoined = (what: string): WinchError =>
  new WinchError('NAMESPACE_MISSING', `${what} of another container are asked for, where there is none`, {
    kind: 'invalid',
    hint: 'only containers of a store share them',
  });
