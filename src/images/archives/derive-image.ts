import type {CallOptions} from '../../events.ts';
import type {FileRegion} from '../../host/file-regions.ts';
import type {ContainerConfig} from '../../oci/container-config.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import type {Digest} from '../../oci/digest.ts';
import {CONFIG_LIMIT_BYTES} from '../../oci/image-config.ts';
import {DOCKER_CONFIG, DOCKER_LAYER, DOCKER_MANIFEST, OCI_CONFIG, OCI_LAYER} from '../../oci/media-types.ts';
import {parseReference} from '../../oci/reference.ts';
import {parseStrictJson} from '../../oci/strict-json.ts';
import {type ImageRecord, layersOf} from '../../store/image-records.ts';
import type {ImageContext} from '../context.ts';
import {contentRegistry} from '../copy/content-registry.ts';
import {fetchImage} from '../fetch-image.ts';
import {type PulledImage, pullImage} from '../pull.ts';
import {newImageSource} from './new-image-source.ts';

export interface Derivation {
  /** In the store; the context's lease keeps it. */
  readonly base: ImageRecord;
  /** The tar of a new layer, and its digest. */
  readonly layer: {readonly region: FileRegion; readonly diffId: Digest};
  readonly config: ContainerConfig;
  /** The name of the image; absent: none. A tag that names another image is moved. */
  readonly reference?: string | undefined;
  /** How the layer was made, for the image's history. */
  readonly createdBy: string;
  readonly message?: string | undefined;
  readonly author?: string | undefined;
}

/** For messages about an image that gets no tag. */
const UNNAMED = parseReference('unnamed');

/**
 * Makes an image of a stored one, with a layer more and another configuration. Its layer is verified, unpacked and recorded
 * as one that was pulled.
 *
 * @throws {WinchError} `REFERENCE_INVALID` | `TAR_INVALID` | `STORE_FULL` …
 */
export async function deriveImage(
  context: ImageContext,
  derivation: Derivation,
  {signal, onEvent}: CallOptions,
): Promise<PulledImage> {
  const {base, layer, reference} = derivation;
  const isDocker = base.manifestType === DOCKER_MANIFEST;
  const below = context.store.read((database) => layersOf(database, base.manifestDigest), []);
  const registry = contentRegistry(
    newImageSource({
      manifestType: base.manifestType,
      config: {mediaType: isDocker ? DOCKER_CONFIG : OCI_CONFIG, bytes: writeConfig(context, derivation)},
      layers: [
        ...below.map(({mediaType, blobDigest, blobBytes}) => ({mediaType, digest: blobDigest, size: blobBytes})),
        {mediaType: isDocker ? DOCKER_LAYER : OCI_LAYER, digest: layer.diffId, size: layer.region.size},
      ],
      region: layer.region,
    }),
  );
  const from = {...context, registry: async () => registry};
  return reference === undefined
    ? await fetchImage(from, {reference: UNNAMED, options: {signal, onEvent}, isUnnamed: true})
    : await pullImage(from, reference, {signal, onEvent});
}

/** What the base says and winch does not know of stays as it is. */
function writeConfig({store, now}: ImageContext, derivation: Derivation): Buffer {
  const {base, config, layer, createdBy, message, author} = derivation;
  const where = `config of ${base.configDigest}`;
  const bytes = store.blobs.read(base.configDigest, CONFIG_LIMIT_BYTES);
  const document = parseStrictJson(bytes, {what: where, limitBytes: CONFIG_LIMIT_BYTES}) as BaseConfig;
  const created = new Date(now()).toISOString();
  const entry = definedMembers({created, created_by: createdBy, author, comment: message});
  return Buffer.from(
    JSON.stringify({
      ...document,
      ...definedMembers({created, author}),
      config,
      rootfs: {type: 'layers', diff_ids: [...document.rootfs.diff_ids, layer.diffId]},
      history: [...(document.history ?? []), entry],
    }),
  );
}

/** As far as it is needed, of an image that was valid when it was stored. */
interface BaseConfig {
  readonly rootfs: {readonly diff_ids: readonly string[]};
  readonly history?: readonly unknown[];
}
