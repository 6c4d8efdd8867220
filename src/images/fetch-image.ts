import {WinchError} from '../errors.ts';
import type {Digest} from '../oci/digest.ts';
import {formatPlatform, type Platform, parsePlatform} from '../oci/platform.ts';
import {familiarReference, type Reference} from '../oci/reference.ts';
import type {LayerRecord} from '../store/image-records.ts';
import {commitImages} from './commit-images.ts';
import type {ImageContext} from './context.ts';
import {fetchLayers} from './fetch-layers.ts';
import {withForeignLayers} from './foreign-layers.ts';
import {holdLease} from './hold-lease.ts';
import type {PulledImage, PullTarget} from './pull.ts';
import {type ResolvedImage, resolveImage} from './resolve-image.ts';
import {withStoredConfigs} from './stored-configs.ts';

/** Downloads the image of one platform; see `pullImage`. */
export async function fetchImage(
  outer: ImageContext,
  {reference, options, isUnnamed = false}: PullTarget,
): Promise<PulledImage> {
  const name = familiarReference(reference);
  const platform = options.platform === undefined ? outer.hostPlatform : parsePlatform(options.platform);
  using lease = await holdLease(outer, options.signal);
  const context = {...outer, lease};
  options.onEvent?.({type: 'reference:resolving', reference: name});
  const resolved = await resolveImage(await withStoredConfigs(context, reference), {reference, platform}, options);
  if (options.platform !== undefined) requirePlatform(resolved, reference, platform);
  tellResolved(name, resolved, options);
  const {layers, manifest, documents} = resolved;
  await lease.claim([...documents.map(({digest}) => digest), ...digestsOfLayers(layers)]);
  const source = withForeignLayers(context, {reference, layers: manifest.layers}, options);
  const wanted = options.downloadOnly ? {layers: [], blobs: layers} : {layers};
  const receivedBytes = await fetchLayers(source, {reference, ...wanted}, options);
  await Promise.all(documents.map(({digest, bytes}) => context.store.blobs.put(digest, bytes)));
  const {targetDigest: digest, indexes} = resolved;
  const parts = indexes.slice(1).map((nested) => ({digest: nested, kind: 'index'}) as const);
  const changed = await commitImages(context, {
    reference: isUnnamed ? null : reference,
    targetDigest: digest,
    images: [resolved],
    parts,
  });
  options.onEvent?.({type: 'image:stored', reference: name, digest, changed, receivedBytes});
  return pulledImage({reference: name, digest, resolved, changed, receivedBytes});
}

/** What a pull counts on of layers: their blobs and their files. */
export const digestsOfLayers = (layers: readonly LayerRecord[]): readonly Digest[] =>
  layers.flatMap(({blobDigest, diffId}) => [blobDigest, diffId]);

export const pulledImage = ({
  resolved,
  ...rest
}: Pick<PulledImage, 'reference' | 'digest' | 'changed' | 'receivedBytes'> & {
  readonly resolved: Pick<ResolvedImage, 'manifestDigest' | 'manifest' | 'platform'>;
}): PulledImage => ({
  ...rest,
  manifestDigest: resolved.manifestDigest,
  imageId: resolved.manifest.config.digest,
  platform: formatPlatform(resolved.platform),
});

function tellResolved(reference: string, resolved: ResolvedImage, {onEvent}: PullTarget['options']): void {
  onEvent?.({
    type: 'manifest:resolved',
    reference,
    digest: resolved.targetDigest,
    platform: formatPlatform(resolved.platform),
    layers: resolved.manifest.layers.map(({digest, size}) => ({digest, size})),
  });
}

/** An image without an index may be for any platform; the caller's own wish is not to be met by another. */
export function requirePlatform(
  {platform}: Pick<ResolvedImage, 'platform'>,
  reference: Reference,
  wanted: Platform,
): void {
  if (platform.os === wanted.os && platform.architecture === wanted.architecture) return;
  throw new WinchError(
    'PLATFORM_MISSING',
    `${familiarReference(reference)} has no image for ${formatPlatform(wanted)}`,
    {kind: 'not-found', hint: `it offers ${formatPlatform(platform)}`},
  );
}
