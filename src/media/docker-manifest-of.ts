import {isWinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import type {ImageIndex} from '../oci/image-index.ts';
import {FULL_NAME_ANNOTATION} from '../oci/image-layout.ts';
import type {Manifest} from '../oci/manifest.ts';
import {artifactTypeOf, isForeignLayer, isManifestType, layerCompression} from '../oci/media-types.ts';
import {familiarReference, parseReference} from '../oci/reference.ts';
import type {FileSet} from './file-set.ts';
import {blobPath, tryReadDocument} from './layout-source.ts';

/** An entry as docker reads it. */
export interface DockerEntry {
  readonly Config: string;
  readonly RepoTags: readonly string[] | null;
  readonly Layers: readonly string[];
}

/**
 * The list of a layout's images for docker before its containerd store, which reads no layout: images of one platform
 * whose layers are plain tars or packed by gzip. Null: there is none.
 */
export async function describeForDocker(
  files: FileSet,
  index: ImageIndex,
  options: CallOptions,
): Promise<Buffer | null> {
  const entries = new Map<string, DockerEntry>();
  for (const entry of index.manifests.filter(({mediaType}) => isManifestType(mediaType))) {
    const document = (await tryReadDocument(files, entry, options))?.document;
    if (document?.kind !== 'manifest' || !isForDocker(document) || !(await isWhole(files, document))) continue;
    const before = entries.get(entry.digest)?.RepoTags ?? [];
    const tags = [...before, ...tagsOf(entry)];
    entries.set(entry.digest, dockerEntry(document, tags));
  }
  return entries.size === 0 ? null : Buffer.from(JSON.stringify([...entries.values()]));
}

/** How docker is told of an image in a layout. */
export const dockerEntry = ({config, layers}: Manifest, tags: readonly string[]): DockerEntry => ({
  Config: blobPath(config.digest),
  RepoTags: tags.length > 0 ? tags : null,
  Layers: layers.map(({digest}) => blobPath(digest)),
});

/** Whether docker can load it. */
export const isForDocker = (manifest: Manifest): boolean =>
  artifactTypeOf(manifest) === null &&
  manifest.subject === undefined &&
  manifest.layers.every(
    ({mediaType}) => ['none', 'gzip'].includes(layerCompression(mediaType)) && !isForeignLayer(mediaType),
  );

/** Whether docker would find all of it. */
async function isWhole(files: FileSet, {config, layers}: Manifest): Promise<boolean> {
  try {
    for (const {digest} of [config, ...layers]) if ((await files.find(blobPath(digest))) === null) return false;
    return true;
  } catch (error) {
    if (isWinchError(error, 'FILE_UNUSABLE')) return false;
    throw error;
  }
}

function tagsOf({annotations}: Descriptor): readonly string[] {
  const name = annotations?.[FULL_NAME_ANNOTATION];
  return name === undefined ? [] : [familiarReference(parseReference(name))];
}
