import {statSync} from 'node:fs';
import {WinchError} from '../../errors.ts';
import {
  familiarReference,
  familiarRepository,
  parseReference,
  type Reference,
  repositoryName,
} from '../../oci/reference.ts';
import {listTags} from '../../store/tags.ts';
import {isStoredId} from '../find-image.ts';
import {recordImageEvents} from '../record-image-event.ts';
import type {CopyContext} from './context.ts';
import {type CopiedImage, type CopyOptions, copyBetween} from './copy-image.ts';

export interface PushOptions extends CopyOptions {
  /** Where it goes; absent: where its own name says. */
  readonly destination?: string | undefined;
}

export interface PushedImage extends CopiedImage {
  /** Of the manifest or index that the name leads to now; 0: the store has it no more. */
  readonly documentBytes: number;
}

/**
 * Copies a stored image to its registry.
 *
 * @throws {WinchError} `IMAGE_UNKNOWN` | `PUSH_NAME_MISSING`: an id names no registry | `PLATFORMS_MISSING` | as `copyImage`
 */
export async function pushImage(context: CopyContext, text: string, options: PushOptions = {}): Promise<PushedImage> {
  const {destination} = options;
  const reference = destination === undefined ? nameOf(context, text) : parseReference(destination);
  const copied = await copyBetween(
    context,
    {source: {kind: 'store', name: text}, target: {kind: 'registry', reference}},
    options,
  );
  const [id, name] = [familiarReference(reference), familiarRepository(reference)];
  recordImageEvents(context.images, [{action: 'push', id, name}]);
  const document = statSync(context.images.store.blobs.path(copied.digest), {throwIfNoEntry: false});
  return {...copied, documentBytes: document?.size ?? 0};
}

/**
 * The stored references of a repository that have a tag, by name.
 *
 * @throws {WinchError} `TAG_UNEXPECTED` | `IMAGE_UNKNOWN`: there is none
 */
export function listPushable({images: {store}}: CopyContext, repository: string): readonly string[] {
  const wanted = parseReference(repository);
  if (/@|:[^/]*$/.test(repository)) {
    throw new WinchError(
      'TAG_UNEXPECTED',
      `${repository} names one image of its repository, and all of them are wanted`,
      {
        kind: 'invalid',
        hint: 'leave the tag or digest out',
      },
    );
  }
  const tags = store.read((database) => listTags(database), []).map(({reference}) => parseReference(reference));
  const found = tags.filter(
    (reference) => reference.tag !== null && repositoryName(reference) === repositoryName(wanted),
  );
  if (found.length > 0) return found.map(familiarReference);
  throw new WinchError('IMAGE_UNKNOWN', `no image of ${repository} is in the store`, {
    kind: 'not-found',
    hint: 'pull or tag one first',
  });
}

function nameOf({images}: CopyContext, text: string): Reference {
  if (!isStoredId(images.store, text)) return parseReference(text);
  throw new WinchError('PUSH_NAME_MISSING', `${text} is the id of an image and says no registry`, {
    kind: 'invalid',
    hint: 'name where it goes as well',
  });
}
