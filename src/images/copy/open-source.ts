import type {CallOptions} from '../../events.ts';
import {openArchiveFiles} from '../../media/archive-files.ts';
import type {ContentSource} from '../../media/content.ts';
import {openDockerArchiveSource} from '../../media/docker-archive-source.ts';
import {type FileSet, openDirectoryFiles} from '../../media/file-set.ts';
import {openLayoutSource} from '../../media/layout-source.ts';
import {formatLocation, type Location} from '../../media/location.ts';
import {openRegistrySource} from '../../media/registry-source.ts';
import type {CopyContext, SideSettings} from './context.ts';
import {openRegistryOf} from './open-registry-of.ts';
import {openStoreSource} from './store-source.ts';

export interface SourceRequest {
  readonly location: Location;
  readonly side?: SideSettings | undefined;
  readonly platform?: string | undefined;
  /** Whether all of what the name leads to has to be there. */
  readonly isWhole?: boolean | undefined;
}

/** Opens where an image comes from; to be closed by the caller. */
export async function openSource(
  context: CopyContext,
  {location, side, platform, isWhole = false}: SourceRequest,
  options: CallOptions,
): Promise<ContentSource> {
  switch (location.kind) {
    case 'registry': {
      const registry = await openRegistryOf(context, location.reference.registry, side);
      const source = openRegistrySource(registry.client, location.reference);
      return {...source, close: async () => registry.close()};
    }
    case 'store':
      return await openStoreSource(context.images, {name: location.name, platform, isWhole}, options);
    default:
      return await openFileSource(location, options);
  }
}

async function openFileSource(
  location: Exclude<Location, {readonly kind: 'registry' | 'store'}>,
  options: CallOptions,
): Promise<ContentSource> {
  const {kind, path, selection} = location;
  const files: FileSet = kind === 'oci' ? openDirectoryFiles(path) : await openArchiveFiles(path, options);
  try {
    const place = {name: formatLocation(location), files, selection};
    if (kind === 'docker-archive') return await openDockerArchiveSource(place, options);
    return await openLayoutSource(place, options);
  } catch (error) {
    await files.close();
    throw error;
  }
}
