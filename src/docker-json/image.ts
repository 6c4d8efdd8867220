import type {ImageDetails} from '../images/inspect.ts';

/**
 * An image with the field names of `docker image inspect`, so that templates and scripts for it go on working, followed
 * by what only winch knows.
 */
export const toDockerImage = (image: ImageDetails) => ({
  ...toDockersFields(image),
  Digest: image.digest,
  ManifestDigest: image.manifestDigest,
  MediaType: image.mediaType,
  CompressedSize: image.compressedBytes,
  Layers: image.layers,
  ParentImage: image.parent,
  Children: image.children,
});

/** What docker knows of an image. */
export function toDockersFields(image: ImageDetails) {
  const config = asRecord(image.config);
  return {
    Id: image.imageId,
    RepoTags: image.references.filter((reference) => !reference.includes('@')),
    RepoDigests: image.repositoryDigests,
    Parent: image.parent?.imageId ?? '',
    Comment: lastComment(config.history),
    Created: image.created,
    Author: config.author ?? '',
    Config: config.config ?? {},
    Architecture: config.architecture ?? '',
    Variant: config.variant ?? '',
    Os: config.os ?? '',
    Size: image.unpackedBytes,
    RootFS: {Type: 'layers', Layers: image.layers.map(({diffId}) => diffId)},
  };
}

function lastComment(history: unknown): unknown {
  const last: unknown = Array.isArray(history) ? history.at(-1) : undefined;
  return asRecord(last).comment ?? '';
}

const asRecord = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
