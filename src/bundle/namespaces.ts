import type {RuntimeNamespace} from '../oci/runtime-spec.ts';

/**
 * The namespaces the container gets of its own. The cgroup namespace only where cgroups are unified: docker's rule, and
 * on v1 programs look for their cgroup by the host's path.
 */
export function createNamespaces(network: 'new' | 'host', cgroupVersion: 'v1' | 'v2' | 'hybrid') {
  const types: RuntimeNamespace[] = ['mount', 'uts', 'ipc', 'pid'];
  if (network === 'new') types.push('network');
  if (cgroupVersion === 'v2') types.push('cgroup');
  return types.map((type) => ({type}));
}
