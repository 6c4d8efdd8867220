import {isWinchError} from '../errors.ts';
import {digestsOfImage} from '../store/image-digests.ts';
import type {Lease} from '../store/leases.ts';
import type {ImageContext} from './context.ts';
import type {FoundImage} from './find-image.ts';

/** The lease of the use case that this one is a part of, else one of its own; see `Store.lease`. */
export async function holdLease({store, lease}: ImageContext, signal?: AbortSignal): Promise<Lease> {
  return lease ? {...lease, release: () => {}, [Symbol.dispose]: () => {}} : await store.lease(signal);
}

/**
 * Finds an image and keeps all of it that is stored, with everything that its tags lead to, until the lease ends.
 *
 * @param find Throws what the caller has to say when there is no such image, or is no more.
 */
export async function claimImage(
  {store, lease}: Pick<ImageContext, 'store' | 'lease'>,
  find: () => FoundImage,
): Promise<FoundImage> {
  for (let claimed: string | null = null; ; ) {
    const found = find();
    const digests = store.read((database) => digestsOfImage(database, found.image.manifestDigest), []);
    // What was removed before the claim was made is found to be gone by looking again.
    if (!lease || digests.join() === claimed) return found;
    try {
      await lease.claim(digests);
    } catch (error) {
      // A full disk keeps no image from being used; what is open of it stays, whatever is removed.
      if (isWinchError(error, 'STORE_FULL')) return found;
      throw error;
    }
    claimed = digests.join();
  }
}
