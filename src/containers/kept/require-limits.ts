import {requireCgroupParent} from '../../bundle/cgroup-parent.ts';
import type {ContainerOptions} from '../../bundle/container-options.ts';
import {readHostFacts} from '../../bundle/host-facts.ts';
import {createResources} from '../../bundle/resources.ts';
import {isInitialUserNamespace} from '../../host/user-namespace.ts';

/**
 * Refuses what no start of a container could bring about. Whoever may set no limits at all need not wait for one to be
 * told so.
 *
 * @throws {WinchError} `CGROUP_PARENT_INVALID` | `CGROUP_CONTROLLER_MISSING` | `RESOURCE_INVALID`
 */
export function requireLimits(container: ContainerOptions): void {
  const isForeign = !isInitialUserNamespace();
  requireCgroupParent(container, {isForeign});
  if (isForeign) createResources(container, readHostFacts().cgroup, {rules: []});
}
