import type {CallOptions} from '../events.ts';
import {runTogether} from '../host/run-together.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import type {Digest} from '../oci/digest.ts';
import {artifactTypeOf} from '../oci/media-types.ts';
import {bestMatch, isAttestation, type Platform} from '../oci/platform.ts';
import type {Reference} from '../oci/reference.ts';
import type {LayerRecord} from '../store/image-records.ts';
import type {ImageContext} from './context.ts';
import {fetchDocument} from './fetch-manifest.ts';
import {type ResolvedManifest, resolveImage, resolveManifest} from './resolve-image.ts';
import {type IndexedManifest, walkIndex} from './walk-index.ts';

const CONFIGS_AT_ONCE = 3;

export interface PlanTarget {
  readonly reference: Reference;
  readonly platform: Platform;
  /** Whether all of an index is wanted. */
  readonly isWhole: boolean;
}

/** What a pull would want, by the documents of the registry. */
export interface PlannedImages {
  readonly targetDigest: Digest;
  readonly platforms: readonly Platform[];
  /** Each once. */
  readonly blobs: readonly Descriptor[];
  /** The layers whose files a pull writes at once. */
  readonly unpacked: readonly LayerRecord[];
}

/** Reads the documents of what a pull would want; none is stored. */
export async function resolvePlan(
  context: ImageContext,
  target: PlanTarget,
  options: CallOptions,
): Promise<PlannedImages> {
  const {reference, platform, isWhole} = target;
  const registry = await context.registry();
  if (isWhole) {
    const root = await fetchDocument(registry, {reference}, options);
    if (root.document.kind === 'index') {
      const read = async (descriptor: Descriptor, call: CallOptions) =>
        (await fetchDocument(registry, {reference, descriptor}, call)).document;
      const {manifests} = await walkIndex({index: root.document, reference}, read, options);
      return {targetDigest: root.digest, ...(await planIndex(context, {...target, manifests}, options))};
    }
  }
  const image = await resolveImage(registry, {reference, platform}, options);
  const {targetDigest, manifest, layers} = image;
  return {targetDigest, platforms: [image.platform], blobs: distinct(manifest.layers), unpacked: layers};
}

async function planIndex(
  context: ImageContext,
  {reference, platform, manifests}: PlanTarget & {readonly manifests: readonly IndexedManifest[]},
  options: CallOptions,
): Promise<Omit<PlannedImages, 'targetDigest'>> {
  const registry = await context.registry();
  const images: ResolvedManifest[] = [];
  const isImage = ({descriptor, manifest}: IndexedManifest) => !isAttestation(descriptor) && !artifactTypeOf(manifest);
  const tasks = manifests.filter(isImage).map(({descriptor, manifest}, at) => async (signal: AbortSignal) => {
    const {digest, size} = descriptor;
    images[at] = await resolveManifest(registry, {reference, digest, size, manifest}, {...options, signal});
  });
  await runTogether(tasks, {limit: CONFIGS_AT_ONCE, signal: options.signal});
  const chosen = bestMatch(images, platform, (image) => image.platform) ?? images[0];
  return {
    platforms: images.map((image) => image.platform),
    blobs: distinct(manifests.flatMap(({manifest}) => manifest.layers)),
    unpacked: chosen?.layers ?? [],
  };
}

const distinct = (blobs: readonly Descriptor[]): readonly Descriptor[] => [
  ...new Map(blobs.map((blob) => [blob.digest, blob])).values(),
];
