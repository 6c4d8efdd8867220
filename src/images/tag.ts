import {WinchError} from '../errors.ts';
import {familiarReference, parseReference} from '../oci/reference.ts';
import {deleteTag, findTag, setTag} from '../store/tags.ts';
import type {ImageContext} from './context.ts';
import {requireImage, requireStoredImage, tagKey} from './find-image.ts';

/**
 * Gives a stored image one more name; a tag that named another image is moved.
 *
 * @throws {WinchError} `IMAGE_UNKNOWN` | `REFERENCE_INVALID` | `TAG_INVALID` (a digest is no tag)
 */
export async function tagImage({store, now}: ImageContext, source: string, target: string): Promise<void> {
  const reference = parseReference(target);
  if (reference.digest) {
    throw new WinchError('TAG_INVALID', `${target} names a digest, which no image can be given`, {
      kind: 'invalid',
      hint: 'write it as repository:tag',
    });
  }
  requireStoredImage(store, source);
  await store.write((database) => {
    const {image, tag} = requireImage(database, source);
    const targetDigest = tag?.targetDigest ?? image.manifestDigest;
    setTag(database, {reference: tagKey(reference), targetDigest, manifestDigest: image.manifestDigest}, now());
  });
}

/**
 * Takes names away; the images stay, without a name if it was their last. All of the tags are removed, or none.
 *
 * @returns the tags that are gone.
 * @throws {WinchError} `TAG_UNKNOWN` | `REFERENCE_INVALID`
 */
export async function untagImages(
  {store, now}: ImageContext,
  references: readonly string[],
): Promise<readonly string[]> {
  const keys = [...new Set(references.map((text) => tagKey(parseReference(text))))];
  const absent = store.read((database) => keys.find((key) => !findTag(database, key)), keys[0]);
  if (absent !== undefined) throw unknownTag(absent);
  await store.write((database) => {
    for (const key of keys) if (!deleteTag(database, key, now())) throw unknownTag(key);
  });
  return keys.map((key) => familiarReference(parseReference(key)));
}

const unknownTag = (key: string): WinchError =>
  new WinchError('TAG_UNKNOWN', `there is no tag ${familiarReference(parseReference(key))}`, {
    kind: 'not-found',
    hint: 'list the images to see their tags',
  });
