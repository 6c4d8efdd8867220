import {loadAttributeCalls} from '../../host/attribute-calls.ts';
import type {ByteString} from '../../layers/byte-string.ts';
import {TAR_END_BYTES} from '../../layers/tar-writer.ts';
import {type TreePlace, writeTreeTar} from '../../layers/tree-tar.ts';
import {whiteoutOf} from '../../layers/upper-marks.ts';
import type {FoundChange} from './list-changes.ts';
import {isEmptyPlace, MOUNT_PLACES} from './mount-places.ts';
import type {OpenedUpper} from './open-upper.ts';

/**
 * The bytes of a layer with what a container has written.
 *
 * @param changes What differs from the image, where that is not apart from it; else null.
 */
export async function* writeChangesTar(
  {directoryFd, owners}: Pick<OpenedUpper, 'directoryFd' | 'owners'>,
  changes: readonly FoundChange[] | null,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  if (directoryFd === null) {
    yield Buffer.alloc(TAR_END_BYTES);
    return;
  }
  const place = {directoryFd, name: null};
  const calls = loadAttributeCalls();
  const ownerOf = owners?.toContainer;
  if (changes === null) {
    yield* writeTreeTar(calls, place, {isUpper: true, isLeftOut: isUnusedPlace, ownerOf, signal});
    return;
  }
  for (const {kind, path} of changes) if (kind === 'D') yield whiteoutOf(path.slice(1));
  const written = new Set(changes.filter(({kind}) => kind !== 'D').map(({path}) => path.slice(1)));
  const isLeftOut = (path: ByteString) => path !== '' && !written.has(path);
  yield* writeTreeTar(calls, place, {isLeftOut, ownerOf, signal});
}

/** Places of mounts that winch has made, as far as nothing was written there. */
const isUnusedPlace = (path: ByteString, {directoryFd, name}: TreePlace): boolean =>
  MOUNT_PLACES.has(`/${path}`) && name !== null && isEmptyPlace(directoryFd, name);
