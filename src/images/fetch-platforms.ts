import {isWinchError, WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {runTogether} from '../host/run-together.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import type {Digest} from '../oci/digest.ts';
import type {ImageIndex} from '../oci/image-index.ts';
import type {Manifest} from '../oci/manifest.ts';
import {artifactTypeOf} from '../oci/media-types.ts';
import {bestMatch, formatPlatform, isAttestation, parsePlatform} from '../oci/platform.ts';
import {familiarReference, type Reference} from '../oci/reference.ts';
import type {Lease} from '../store/leases.ts';
import {commitImages} from './commit-images.ts';
import type {ImageContext} from './context.ts';
import {digestsOfLayers, fetchImage, pulledImage} from './fetch-image.ts';
import {fetchLayers} from './fetch-layers.ts';
import {type DocumentRequest, fetchDocument} from './fetch-manifest.ts';
import {withForeignLayers} from './foreign-layers.ts';
import {holdLease} from './hold-lease.ts';
import type {PulledImage, PullTarget} from './pull.ts';
import type {BlobRecord} from './receive-layer.ts';
import {type ImageToRecord, resolveManifest} from './resolve-image.ts';
import {withStoredConfigs} from './stored-configs.ts';
import {readStoredDocument} from './stored-index.ts';
import {type IndexedManifest, type ReadDocument, walkIndex} from './walk-index.ts';

const CONFIGS_AT_ONCE = 3;

/** Downloads everything that an index leads to; see `pullImage`. */
export async function fetchPlatforms(outer: ImageContext, target: PullTarget): Promise<PulledImage> {
  const {reference, options} = target;
  const name = familiarReference(reference);
  using lease = await holdLease(outer, options.signal);
  const context = {...outer, lease};
  options.onEvent?.({type: 'reference:resolving', reference: name});
  const root = await fetchDocument(await context.registry(), {reference}, options);
  if (root.document.kind === 'manifest') return await fetchImage(context, target);
  await lease.claim([root.digest, ...digestsIn(root.document)]);
  await context.store.blobs.put(root.digest, root.bytes);
  const tree = await walkIndex({index: root.document, reference}, documentReader(context, reference), options);
  for (const {mediaType, digest} of tree.unknown) {
    const message = `${name} also lists ${digest} of the unknown type ${mediaType}, which was not fetched`;
    options.onEvent?.({type: 'warning:raised', code: 'INDEX_ENTRY_UNKNOWN', message});
  }
  const isImage = ({descriptor, manifest}: IndexedManifest) => !isAttestation(descriptor) && !artifactTypeOf(manifest);
  const images = chosenFirst(context, target, await resolveAll(context, tree.manifests.filter(isImage), target));
  const others = tree.manifests.filter((member) => !isImage(member));
  const receivedBytes = await fetchContents(context, {target, digest: root.digest, images, others});
  const parts = [...tree.indexes.map((digest) => ({digest, kind: 'index'}) as const), ...others.flatMap(partsOf)];
  const changed = await commitImages(context, {reference, targetDigest: root.digest, images, parts});
  const {digest} = root;
  options.onEvent?.({type: 'image:stored', reference: name, digest, changed, receivedBytes});
  return pulledImage({reference: name, digest, resolved: images[0], changed, receivedBytes});
}

/**
 * Documents are stored as they come: an index may lead to more of them than memory should hold. Each is claimed with the
 * one that leads to it.
 */
const documentReader =
  (context: LeasedContext, reference: Reference): ReadDocument =>
  async (descriptor, options) => {
    const document = await readOrFetch(context, {reference, descriptor}, options);
    await context.lease.claim(digestsIn(document));
    return document;
  };

type LeasedContext = ImageContext & {readonly lease: Lease};

async function readOrFetch(
  {store, registry}: ImageContext,
  request: DocumentRequest & {readonly descriptor: Descriptor},
  options: CallOptions,
): Promise<Manifest | ImageIndex> {
  if (store.blobs.has(request.descriptor)) {
    try {
      return readStoredDocument(store, request.descriptor);
    } catch (error) {
      if (!isWinchError(error, 'STORE_CORRUPT')) throw error;
    }
  }
  const {digest, bytes, document} = await fetchDocument(await registry(), request, options);
  await store.blobs.put(digest, bytes);
  return document;
}

const digestsIn = (document: Manifest | ImageIndex): readonly Digest[] =>
  (document.kind === 'index' ? document.manifests : [document.config, ...document.layers]).map(({digest}) => digest);

async function resolveAll(
  context: ImageContext,
  members: readonly IndexedManifest[],
  {reference, options}: PullTarget,
): Promise<readonly ImageToRecord[]> {
  const registry = await withStoredConfigs(context, reference);
  const images: ImageToRecord[] = [];
  const tasks = members.map(({descriptor, manifest}, at) => async (signal: AbortSignal) => {
    const {digest, size} = descriptor;
    const found = {reference, digest, size, manifest};
    const {config, configBytes, ...image} = await resolveManifest(registry, found, {...options, signal});
    await context.store.blobs.put(manifest.config.digest, configBytes);
    images[at] = image;
  });
  await runTogether(tasks, {limit: CONFIGS_AT_ONCE, signal: options.signal});
  return images;
}

type ChosenFirst = readonly [ImageToRecord, ...ImageToRecord[]];

/** The image for this machine, or the platform that was named, comes first; another one where there is none. */
function chosenFirst(
  {hostPlatform}: ImageContext,
  {reference, options}: PullTarget,
  images: readonly ImageToRecord[],
): ChosenFirst {
  const wanted = options.platform === undefined ? hostPlatform : parsePlatform(options.platform);
  const chosen = bestMatch(images, wanted, ({platform}) => platform) ?? images[0];
  if (chosen) return [chosen, ...images.filter((image) => image !== chosen)];
  throw new WinchError('PLATFORM_MISSING', `${familiarReference(reference)} is an index without any image`, {
    kind: 'not-found',
    hint: 'it may hold artifacts, which are copied and not pulled',
  });
}

interface Contents {
  readonly target: PullTarget;
  readonly digest: Digest;
  readonly images: ChosenFirst;
  readonly others: readonly IndexedManifest[];
}

async function fetchContents(context: LeasedContext, {target, digest, images, others}: Contents): Promise<number> {
  const {reference, options} = target;
  const [chosen] = images;
  const blobs = [...images.flatMap(({layers}) => layers), ...others.flatMap(blobsOf)];
  options.onEvent?.({
    type: 'manifest:resolved',
    reference: familiarReference(reference),
    digest,
    platform: images.map(({platform}) => formatPlatform(platform)).join(', '),
    layers: [
      ...new Map(blobs.map((blob) => [blob.blobDigest, {digest: blob.blobDigest, size: blob.blobBytes}])).values(),
    ],
  });
  await context.lease.claim(images.flatMap(({layers}) => digestsOfLayers(layers)));
  const source = withForeignLayers(
    context,
    {reference, layers: images.flatMap(({manifest}) => manifest.layers)},
    options,
  );
  const layers = options.downloadOnly ? [] : chosen.layers;
  return await fetchLayers(source, {reference, layers, blobs}, options satisfies CallOptions);
}

const blobsOf = ({manifest}: IndexedManifest): readonly BlobRecord[] =>
  [manifest.config, ...manifest.layers].map(blobRecord);

const blobRecord = ({digest, size, mediaType}: Descriptor): BlobRecord => ({
  blobDigest: digest,
  blobBytes: size,
  mediaType,
});

const partsOf = (member: IndexedManifest) =>
  [member.descriptor.digest, ...blobsOf(member).map(({blobDigest}) => blobDigest)].map(
    (digest) => ({digest, kind: 'blob'}) as const,
  );
