import {posix} from 'node:path';
import type {ContainerOptions, MountRequest} from '../../bundle/container-options.ts';
import {normalizeTarget} from '../../bundle/mount-request.ts';
import {validateVolumes} from '../../bundle/volumes.ts';
import type {ImageConfig} from '../../oci/image-config.ts';

/**
 * The options with a volume, still without a name, for each that the image declares and where nothing else is mounted.
 *
 * @throws {WinchError} `VOLUME_INVALID`
 */
export function addImageVolumes(container: ContainerOptions, image: ImageConfig): ContainerOptions {
  const declared = Object.keys(image.config.Volumes ?? {});
  if (declared.length === 0) return container;
  validateVolumes(image);
  const {mounts = []} = container;
  const targets = new Set(mounts.map(({target}) => normalizeTarget(target)));
  const missing = new Set(declared.map((path) => posix.resolve('/', path)).filter((path) => !targets.has(path)));
  const added = [...missing].map((target): MountRequest => ({type: 'volume', target}));
  return {...container, mounts: [...mounts, ...added]};
}
