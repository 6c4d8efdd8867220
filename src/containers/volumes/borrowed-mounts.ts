import type {MountRequest, VolumesFrom} from '../../bundle/container-options.ts';
import {normalizeTarget} from '../../bundle/mount-request.ts';
import type {ContainerContext} from '../context.ts';
import {requireContainer} from '../kept/find-container.ts';

/**
 * The binds and volumes of kept containers, without those at whose target something is mounted already.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `MOUNT_INVALID`
 */
export function takeMountsFrom(
  context: ContainerContext,
  lenders: readonly VolumesFrom[],
  own: readonly MountRequest[],
): readonly MountRequest[] {
  const taken = new Map<string, MountRequest | null>(own.map(({target}) => [normalizeTarget(target), null]));
  for (const {container, readOnly} of lenders) {
    const {mounts = []} = requireContainer(context, container).container;
    for (const mount of mounts) {
      const target = normalizeTarget(mount.target);
      if (mount.type === 'tmpfs' || mount.type === 'image' || taken.has(target)) continue;
      taken.set(target, {...mount, ...(readOnly !== undefined && {readOnly})});
    }
  }
  return [...taken.values()].filter((mount) => mount !== null);
}
