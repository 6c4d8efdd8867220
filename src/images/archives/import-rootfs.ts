import type {CallOptions} from '../../events.ts';
import {type FileRegion, readRegion, readWholeRegion} from '../../host/file-regions.ts';
import {detectCompression, SIGNATURE_BYTES} from '../../layers/compression.ts';
import {decompressLayer} from '../../layers/decompress.ts';
import {hashRegion, LAYER_TYPES} from '../../media/docker-archive-source.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {createDigester, type Digest} from '../../oci/digest.ts';
import {OCI_CONFIG, OCI_MANIFEST} from '../../oci/media-types.ts';
import {parsePlatform} from '../../oci/platform.ts';
import {parseReference} from '../../oci/reference.ts';
import type {ImageContext} from '../context.ts';
import {contentRegistry} from '../copy/content-registry.ts';
import {fetchImage} from '../fetch-image.ts';
import {holdLease} from '../hold-lease.ts';
import {type PulledImage, pullImage} from '../pull.ts';
import {recordImageEvents} from '../record-image-event.ts';
import {applyChanges} from './image-changes.ts';
import {newImageSource} from './new-image-source.ts';
import {type ArchiveInput, openInputFile} from './open-input.ts';

export interface ImportOptions extends CallOptions {
  /** The name of the image; absent: none. A tag that names another image is moved. */
  readonly reference?: string | undefined;
  /** Instructions of a Dockerfile, in their order; see `applyChanges`. */
  readonly changes?: readonly string[] | undefined;
  /** What the image's history says of it. */
  readonly message?: string | undefined;
  /** What it is for; absent: this machine. */
  readonly platform?: string | undefined;
}

export interface ImportedImage {
  readonly imageId: string;
  readonly manifestDigest: string;
  /** Of the one layer: the bytes as they were given. */
  readonly layerDigest: string;
}

/** For messages about an image that gets no tag. */
const UNNAMED = parseReference('unnamed');

/**
 * Makes an image of one layer from the tar of a root filesystem, plain or packed. The layer is the tar as it was given, so
 * that its digest stays, or plain where it was packed as no layer may be (xz, bzip2); nothing of it is believed, as with
 * a layer that was pulled.
 *
 * @throws {WinchError} `CHANGE_INVALID` | `PLATFORM_INVALID` | `REFERENCE_INVALID` | `ARCHIVE_MISSING` | `TAR_INVALID` …
 */
export async function importRootfs(
  context: ImageContext,
  input: ArchiveInput,
  options: ImportOptions = {},
): Promise<ImportedImage> {
  const {reference, changes = [], signal, onEvent} = options;
  const name = reference === undefined ? null : parseReference(reference);
  const platform = options.platform === undefined ? context.hostPlatform : parsePlatform(options.platform);
  const config = applyChanges({}, changes);
  using lease = await holdLease(context, signal);
  await using file = await openInputFile(lease, input, {signal});
  const layer = await describeLayer(file.region, signal);
  const created = new Date(context.now()).toISOString();
  const history = [{created, comment: options.message ?? 'imported from a tar'}];
  const rootfs = {type: 'layers', diff_ids: [layer.diffId]};
  const document = definedMembers({created, ...platform, config, rootfs, history});
  const {diffId: _, ...descriptor} = layer;
  const image = {mediaType: OCI_CONFIG, bytes: Buffer.from(JSON.stringify(document))};
  const source = {manifestType: OCI_MANIFEST, config: image, layers: [descriptor], region: file.region};
  const registry = contentRegistry(newImageSource(source));
  const from = {...context, lease, registry: async () => registry};
  const pulled: PulledImage =
    name === null
      ? await fetchImage(from, {reference: UNNAMED, options: {signal, onEvent}, isUnnamed: true})
      : await pullImage(from, reference ?? '', {signal, onEvent});
  const {imageId: id, manifestDigest} = pulled;
  recordImageEvents(context, [{action: 'import', id, name: reference ?? id}]);
  return {imageId: id, manifestDigest, layerDigest: layer.digest};
}

interface RootfsLayer {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly diffId: Digest;
}

async function describeLayer(region: FileRegion, signal: AbortSignal | undefined): Promise<RootfsLayer> {
  const head = await readWholeRegion({...region, size: Math.min(region.size, SIGNATURE_BYTES)}, {signal});
  const compression = detectCompression(head);
  const digest = await hashRegion(region, signal);
  const diffId = compression === 'none' ? digest : await hashUnpacked(region, signal);
  return {mediaType: LAYER_TYPES[compression], digest, size: region.size, diffId};
}

async function hashUnpacked(region: FileRegion, signal: AbortSignal | undefined): Promise<Digest> {
  const digester = createDigester();
  const {chunks} = await decompressLayer(readRegion(region, 0, {signal}), {signal});
  for await (const chunk of chunks) digester.update(chunk);
  return digester.digest();
}
