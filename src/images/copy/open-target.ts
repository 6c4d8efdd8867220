import {join} from 'node:path';
import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {openLockDirectory} from '../../host/locks.ts';
import {openArchiveTarget} from '../../media/archive-target.ts';
import type {ContentTarget} from '../../media/content.ts';
import {layoutName} from '../../media/layout-names.ts';
import {openLayoutTarget} from '../../media/layout-target.ts';
import {formatLocation, type Location} from '../../media/location.ts';
import {openRegistryTarget} from '../../media/registry-target.ts';
import type {CopyContext, SideSettings} from './context.ts';
import {openRegistryOf} from './open-registry-of.ts';

export interface TargetRequest {
  readonly location: Exclude<Location, {readonly kind: 'store'}>;
  readonly side?: SideSettings | undefined;
}

/** Opens where an image goes; to be closed by the caller. */
export async function openTarget(
  context: CopyContext,
  {location, side}: TargetRequest,
  options: CallOptions,
): Promise<ContentTarget> {
  if (location.kind === 'registry') {
    const registry = await openRegistryOf(context, location.reference.registry, side);
    const target = openRegistryTarget(registry.client, location.reference);
    return {...target, close: async () => registry.close()};
  }
  const {store, runtimeDirectory} = context.images;
  const {durability} = store;
  const {kind, path, selection} = location;
  if (selection?.by === 'position') throw namedByPosition(formatLocation(location));
  const name = formatLocation(location);
  const imageName = layoutName(selection?.name ?? null, kind === 'docker-archive');
  const locks = openLockDirectory(join(runtimeDirectory, 'locks'));
  if (kind !== 'oci') return await openArchiveTarget({name, kind, path, imageName, durability, locks}, options);
  return openLayoutTarget({name, directory: path, imageName, durability, locks, mayLink: false, isForOciTools: true});
}

const namedByPosition = (place: string): WinchError =>
  new WinchError('LOCATION_INVALID', `${place} names an image by its place in a list`, {
    kind: 'invalid',
    hint: 'what is written gets a name, or none',
  });
