import {WinchError} from '../errors.ts';
import {familiarReference, parseReference} from '../oci/reference.ts';
import {findImage} from '../store/image-records.ts';
import {deleteTag, findTag, setTag} from '../store/tags.ts';
import type {ImageContext} from './context.ts';
import {requireImage, requireStoredImage, tagKey} from './find-image.ts';
import {recordImageEvents} from './record-image-event.ts';

/**
 * Gives a stored image one more name; a tag that named another image is moved.
 *
 * @throws {WinchError} `IMAGE_UNKNOWN` | `REFERENCE_INVALID` | `TAG_INVALID` (a digest is no tag)
 */
export async function tagImage(context: ImageContext, source: string, target: string): Promise<void> {
  const {store, now} = context;
  const reference = parseReference(target);
  if (reference.digest) {
    throw new WinchError('TAG_INVALID', `${target} names a digest, which no image can be given`, {
      kind: 'invalid',
      hint: 'write it as repository:tag',
    });
  }
  requireStoredImage(store, source);
  const id = await store.write((database) => {
    const {image, tag} = requireImage(database, source);
    const targetDigest = tag?.targetDigest ?? image.manifestDigest;
    setTag(database, {reference: tagKey(reference), targetDigest, manifestDigest: image.manifestDigest}, now());
    return image.configDigest;
  });
  recordImageEvents(context, [{action: 'tag', id, name: familiarReference(reference)}]);
}

/**
 * Takes names away; the images stay, without a name if it was their last. All of the tags are removed, or none.
 *
 * @returns the tags that are gone.
 * @throws {WinchError} `TAG_UNKNOWN` | `REFERENCE_INVALID`
 */
export async function untagImages(context: ImageContext, references: readonly string[]): Promise<readonly string[]> {
  const {store, now} = context;
  const keys = [...new Set(references.map((text) => tagKey(parseReference(text))))];
  const absent = store.read((database) => keys.find((key) => !findTag(database, key)), keys[0]);
  if (absent !== undefined) throw unknownTag(absent);
  const untagged = await store.write((database) =>
    keys.map((key) => {
      const tag = findTag(database, key);
      if (!tag || !deleteTag(database, key, now())) throw unknownTag(key);
      const {configDigest} = findImage(database, tag.manifestDigest) ?? {};
      return {id: configDigest ?? tag.manifestDigest, name: familiarReference(parseReference(key))};
    }),
  );
  recordImageEvents(
    context,
    untagged.map((image) => ({action: 'untag', ...image})),
  );
  return untagged.map(({name}) => name);
}

const unknownTag = (key: string): WinchError =>
  new WinchError('TAG_UNKNOWN', `there is no tag ${familiarReference(parseReference(key))}`, {
    kind: 'not-found',
    hint: 'list the images to see their tags',
  });
