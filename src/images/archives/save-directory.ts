import {digestHex} from '../../oci/digest.ts';
import {familiarReference, parseReference} from '../../oci/reference.ts';
import type {CopyContext} from '../copy/context.ts';
import {type CopiedImage, copyBetween} from '../copy/copy-image.ts';
import {isStoredId, requireStoredImage} from '../find-image.ts';
import type {SaveOptions} from './save.ts';

/**
 * Writes stored images into a directory as an OCI layout; what else it holds stays. An image has its whole name there,
 * or its id where it was named by its id or digest.
 *
 * @throws {WinchError} `IMAGE_UNKNOWN` | `PLATFORMS_MISSING` | `LAYOUT_UNUSABLE` | as `copyImage`
 */
export async function saveDirectory(
  context: CopyContext,
  {names, directory}: {readonly names: readonly string[]; readonly directory: string},
  options: Omit<SaveOptions, 'format'> = {},
): Promise<readonly CopiedImage[]> {
  const {store} = context.images;
  for (const name of names) requireStoredImage(store, name, options.platform);
  const copies: CopiedImage[] = [];
  for (const text of new Set(names)) {
    const selection = {by: 'name', name: nameIn(store, text)} as const;
    const places = {source: {kind: 'store', name: text}, target: {kind: 'oci', path: directory, selection}} as const;
    copies.push(await copyBetween(context, places, options));
  }
  return copies;
}

function nameIn(store: CopyContext['images']['store'], text: string): string {
  const reference = isStoredId(store, text) ? null : parseReference(text);
  if (reference?.digest === null) return familiarReference(reference);
  return digestHex(requireStoredImage(store, text).image.configDigest);
}
