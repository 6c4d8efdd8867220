import type {Descriptor} from '../../oci/descriptor.ts';
import type {Digest} from '../../oci/digest.ts';
import type {ImageIndex} from '../../oci/image-index.ts';
import type {Manifest} from '../../oci/manifest.ts';
import {artifactTypeOf, layerCompression} from '../../oci/media-types.ts';
import {type Platform, selectPlatform} from '../../oci/platform.ts';
import type {Reference} from '../../oci/reference.ts';
import type {RepositoryName} from '../../registry/client.ts';

/** A manifest that somebody has asked for, and what to call it once its blobs are wanted as well. */
export interface AskedImage {
  /** By the tag that was asked for and leads to it, else by its digest. */
  readonly reference: Reference;
  /** What the reference led to then. */
  readonly targetDigest: Digest;
  readonly manifestDigest: Digest;
}

export interface AskedBlob {
  readonly descriptor: Descriptor;
  /** Null: nothing but the blob is wanted, as of a config or an artifact. */
  readonly image: AskedImage | null;
}

/** What clients were told of lately, which says what the blobs are parts of that they then ask for. */
export interface AskedImages {
  noteTag(repository: RepositoryName, asked: AskedTag): void;
  noteManifest(repository: RepositoryName, digest: Digest, manifest: Manifest): void;
  findBlob(repository: RepositoryName, digest: Digest): AskedBlob | null;
}

export interface AskedTag {
  readonly tag: string;
  readonly digest: Digest;
  readonly document: Manifest | ImageIndex;
}

/** Of each kind; whoever is forgotten is fetched by digest, and gets no tag. */
const MOST_REMEMBERED = 256;

interface KnownTag extends Pick<AskedTag, 'tag' | 'digest'> {
  /** What a pull of the tag would choose here. */
  readonly chosen: Digest | null;
}

/** Opens an empty memory, of a bounded size. */
export function createAskedImages(hostPlatform: Platform): AskedImages {
  const tags = new Map<string, KnownTag>();
  const manifests = new Map<string, Manifest>();
  const tagOf = (repository: RepositoryName, manifestDigest: Digest): KnownTag | undefined =>
    [...tags]
      .filter(([key]) => key.startsWith(`${keyOf(repository)}:`))
      .map(([, known]) => known)
      .findLast(({chosen}) => chosen === manifestDigest);
  const describe = (repository: RepositoryName, manifestDigest: Digest): AskedImage => {
    const known = tagOf(repository, manifestDigest);
    const {registry, repository: path} = repository;
    const reference = {registry, repository: path, tag: known?.tag ?? null, digest: known ? null : manifestDigest};
    return {reference, targetDigest: known?.digest ?? manifestDigest, manifestDigest};
  };
  return {
    noteTag: (repository, {tag, digest, document}) => {
      const chosen = document.kind === 'manifest' ? digest : (selectPlatform(document, hostPlatform)?.digest ?? null);
      remember(tags, `${keyOf(repository)}:${tag}`, {tag, digest, chosen});
    },
    noteManifest: (repository, digest, manifest) => remember(manifests, `${keyOf(repository)}@${digest}`, manifest),
    findBlob: (repository, digest) => {
      const prefix = `${keyOf(repository)}@`;
      for (const [key, manifest] of manifests) {
        const descriptor = [manifest.config, ...manifest.layers].find((blob) => blob.digest === digest);
        if (!descriptor || !key.startsWith(prefix)) continue;
        const isPart = descriptor !== manifest.config && isImage(manifest);
        return {descriptor, image: isPart ? describe(repository, key.slice(prefix.length) as Digest) : null};
      }
      return null;
    },
  };
}

function remember<T>(memory: Map<string, T>, key: string, value: T): void {
  memory.delete(key);
  memory.set(key, value);
  for (const eldest of memory.keys()) {
    if (memory.size <= MOST_REMEMBERED) return;
    memory.delete(eldest);
  }
}

const keyOf = ({registry, repository}: RepositoryName): string => `${registry}/${repository}`;

/** Attestations look like images but for their layers. */
const isImage = (manifest: Manifest): boolean =>
  artifactTypeOf(manifest) === null &&
  manifest.layers.every(({mediaType}) => layerCompression(mediaType) !== 'unknown');
