import {WinchError} from '../../errors.ts';
import {formatLocation, type Location, parseLocation} from '../../media/location.ts';
import {parsePlatform} from '../../oci/platform.ts';
import type {CopyContext, SideSettings} from './context.ts';
import {type CopiedContent, type CopyContentOptions, copyContent} from './copy-content.ts';
import {openSource} from './open-source.ts';
import {openTarget} from './open-target.ts';

export interface CopyOptions extends CopyContentOptions {
  /**
   * Copies everything that the source's name leads to. That is the default, but for two places: into the store goes the
   * image for this machine, and from the store comes one image where not all of its index is stored.
   */
  readonly allPlatforms?: boolean | undefined;
  /** How the source's registry is reached, where that differs from the toolkit's settings. */
  readonly source?: SideSettings | undefined;
  readonly target?: SideSettings | undefined;
}

export interface CopiedImage extends CopiedContent {
  /** The places, as winch writes them. */
  readonly source: string;
  readonly target: string;
}

export interface CopyRequest {
  readonly source: Location;
  readonly target: Location;
}

/**
 * Copies an image between two places: `[docker://]REF`, `oci:DIRECTORY[:NAME]`, `oci-archive:FILE[:NAME]`,
 * `docker-archive:FILE[:REF]` and `store:REF`.
 *
 * Nothing is packed anew, so every digest stays. What is there is not sent again, and blobs that another repository of
 * the same registry has are mounted. The target's name leads to the image once all of it is there.
 *
 * @throws {WinchError} `LOCATION_INVALID` … | `PLATFORM_MISSING` | `PLATFORMS_MISSING` | `IMAGE_UNKNOWN` | `IMAGE_AMBIGUOUS`
 * | `DOCKER_ARCHIVE_UNSUITABLE` | as the places themselves
 */
export const copyImage = (
  context: CopyContext,
  source: string,
  target: string,
  options: CopyOptions = {},
): Promise<CopiedImage> =>
  copyBetween(context, {source: parseLocation(source), target: parseLocation(target)}, options);

/** As {@link copyImage}, for places that were read already. */
export async function copyBetween(
  context: CopyContext,
  {source: from, target: to}: CopyRequest,
  options: CopyOptions,
): Promise<CopiedImage> {
  const {platform, allPlatforms: isWhole, source: side} = options;
  if (platform !== undefined) parsePlatform(platform);
  refuseSamePlace(from, to);
  const source = await openSource(context, {location: from, side, platform, isWhole}, options);
  try {
    const names = {source: formatLocation(from), target: formatLocation(to)};
    if (to.kind === 'store') {
      const {copyIntoStore} = await import('./copy-into-store.ts');
      return {...names, ...(await copyIntoStore(context.images, {source, name: to.name}, options))};
    }
    const target = await openTarget(context, {location: to, side: options.target}, options);
    try {
      const {hostPlatform} = context.images;
      return {...names, ...(await copyContent({source, target, hostPlatform}, options))};
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** Archives are replaced, so that one may not be read meanwhile; for the rest it is nothing to do. */
function refuseSamePlace(source: Location, target: Location): void {
  const areStores = source.kind === 'store' && target.kind === 'store';
  if (!areStores) return;
  throw new WinchError('LOCATION_INVALID', 'an image of the store gets another name there by a tag, not by a copy', {
    kind: 'invalid',
    hint: `winch tag ${source.name} ${target.name}`,
  });
}
