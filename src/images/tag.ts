import {WinchError} from '../errors.ts';
import {parseReference} from '../oci/reference.ts';
import {setTag} from '../store/tags.ts';
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
