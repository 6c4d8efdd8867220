import {isWinchError, WinchError} from '../../errors.ts';
import type {EventSink} from '../../events.ts';
import type {Descriptor} from '../../oci/descriptor.ts';
import {isDigest} from '../../oci/digest.ts';
import {familiarReference} from '../../oci/reference.ts';
import type {RegistryClient, RepositoryName} from '../../registry/client.ts';
import type {ImageContext} from '../context.ts';
import {fetchBlob} from '../fetch-blob.ts';
import {fetchImage} from '../fetch-image.ts';
import {holdLease} from '../hold-lease.ts';
import {recordImageEvents} from '../record-image-event.ts';
import type {AskedImage} from './asked-images.ts';
import {findStoredDocument} from './find-document.ts';
import {type Download, startDownload} from './served-blob.ts';

/** What is being fetched, once for all who want it. It goes on when they have left. */
export interface Downloads {
  blob(repository: RepositoryName, descriptor: Descriptor): Download;
  /** Stores all of an image, which nobody waits for. */
  image(image: AskedImage): void;
  close(): Promise<void>;
}

export function createDownloads(context: ImageContext, onEvent: EventSink | undefined): Downloads {
  const ending = new AbortController();
  const running = new Map<string, Download>();
  const share = (key: string, work: (onEvent: EventSink) => Promise<unknown>): Download => {
    const shared = running.get(key) ?? startDownload(work);
    if (!running.has(key)) {
      running.set(key, shared);
      const forget = () => void running.delete(key);
      shared.done.then(forget, forget);
    }
    return shared;
  };
  return {
    blob: (repository, descriptor) =>
      share(descriptor.digest, async (tell) => {
        using lease = await holdLease(context, ending.signal);
        await lease.claim([descriptor.digest]);
        await fetchBlob({...context, lease}, blobToFetch(repository, descriptor), {
          signal: ending.signal,
          onEvent: tell,
        });
      }),
    image: (image) => {
      const {done} = share(familiarReference(image.reference), () => storeImage(context, image, ending.signal));
      done.catch((error: unknown) => {
        if (ending.signal.aborted) return;
        const reason = error instanceof Error ? error.message : String(error);
        const message = `${familiarReference(image.reference)} is passed on and not kept: ${reason}`;
        onEvent?.({type: 'warning:raised', code: isWinchError(error) ? error.code : 'UNEXPECTED', message});
      });
    },
    close: async () => {
      ending.abort(new WinchError('SERVER_ENDED', 'the server ends', {kind: 'interrupted'}));
      await Promise.allSettled([...running.values()].map(({done}) => done));
    },
  };
}

const blobToFetch = ({registry, repository}: RepositoryName, {digest, size, mediaType}: Descriptor) => ({
  reference: {registry, repository, tag: null, digest: null},
  layer: {blobDigest: digest, blobBytes: size, mediaType},
});

async function storeImage(context: ImageContext, image: AskedImage, signal: AbortSignal): Promise<void> {
  const {reference} = image;
  const registry = async () => pinnedRegistry(context, image, await context.registry());
  await fetchImage({...context, registry}, {reference, options: {downloadOnly: true, signal}});
  const name = familiarReference({...reference, tag: null, digest: null});
  recordImageEvents(context, [{action: 'pull', id: familiarReference(reference), name}]);
}

/** The registry as it was when the image was asked for; what was received then is not asked for again. */
const pinnedRegistry = (
  {store}: ImageContext,
  {targetDigest}: AskedImage,
  registry: RegistryClient,
): RegistryClient => ({
  ...registry,
  getManifest: async (name, tagOrDigest, options) => {
    const digest = isDigest(tagOrDigest) ? tagOrDigest : targetDigest;
    const stored = findStoredDocument(store, digest);
    if (stored) return {bytes: stored.bytes, contentType: stored.mediaType, digest};
    return await registry.getManifest(name, digest, options);
  },
});
