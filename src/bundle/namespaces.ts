import type {RuntimeNamespace} from '../oci/runtime-spec.ts';

export interface NetworkOfContainer {
  /** `new`: it is the container's own; `host`: it is shared, with the host or with others. */
  readonly namespace: 'new' | 'host';
  /** Where the namespace is that the container joins; null: nothing has been made yet. */
  readonly path?: string | null | undefined;
}

/**
 * The namespaces the container gets of its own. The cgroup namespace only where cgroups are unified: docker's rule, and
 * on v1 programs look for their cgroup by the host's path.
 */
export function createNamespaces({namespace, path = null}: NetworkOfContainer, cgroupVersion: 'v1' | 'v2' | 'hybrid') {
  const types: RuntimeNamespace[] = ['mount', 'uts', 'ipc', 'pid'];
  if (namespace === 'new' || path !== null) types.push('network');
  if (cgroupVersion === 'v2') types.push('cgroup');
  return types.map((type) => (type === 'network' && path !== null ? {type, path} : {type}));
}
