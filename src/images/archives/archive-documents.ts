import type {TarFile} from '../../layers/tar-writer.ts';
import {DOCKER_MANIFEST_FILE} from '../../media/docker-manifest.ts';
import {type DockerEntry, dockerEntry, isForDocker} from '../../media/docker-manifest-of.ts';
import {layoutName, nameInIndex} from '../../media/layout-names.ts';
import {blobPath} from '../../media/layout-source.ts';
import type {Digest} from '../../oci/digest.ts';
import {INDEX_FILE, LAYOUT_FILE, LAYOUT_TEXT} from '../../oci/image-layout.ts';
import type {ImageToSave} from './save.ts';

/** The files of an archive that say what is in it, then its manifests. */
export function documentFiles(images: readonly ImageToSave[]): readonly TarFile[] {
  const docker = dockerManifest(images);
  const documents = new Map(images.flatMap((image) => image.documents).map((one) => [one.descriptor.digest, one]));
  return [
    inMemory(LAYOUT_FILE, Buffer.from(LAYOUT_TEXT)),
    inMemory(INDEX_FILE, layoutIndex(images)),
    ...(docker.length > 0 ? [inMemory(DOCKER_MANIFEST_FILE, Buffer.from(JSON.stringify(docker)))] : []),
    ...[...documents.values()].map(({descriptor, bytes}) => inMemory(blobPath(descriptor.digest), bytes)),
  ];
}

/** A name of an image is its tag, as docker has it; of images that share a tag, the whole of it. */
function layoutIndex(images: readonly ImageToSave[]): Buffer {
  const tags = images.map(({name}) => layoutName(name, true).name);
  let bytes: Buffer | null = null;
  for (const [at, {name, root}] of images.entries()) {
    const {mediaType, digest, size} = root.descriptor;
    const {fullName, name: tag} = layoutName(name, true);
    const isShared = tags.some((other, place) => place !== at && other === tag);
    const given = {name: isShared ? name : tag, fullName};
    const replaces = (entry: {readonly digest: Digest}) => given.name === null && entry.digest === digest;
    bytes = nameInIndex(bytes, {mediaType, digest, size}, {name: given, replaces});
  }
  return bytes ?? Buffer.alloc(0);
}

function dockerManifest(images: readonly ImageToSave[]): readonly DockerEntry[] {
  const entries = new Map<Digest, DockerEntry>();
  for (const {name, chosen} of images) {
    const {document, descriptor} = chosen;
    if (document.kind !== 'manifest' || !isForDocker(document)) continue;
    const before = entries.get(descriptor.digest)?.RepoTags ?? [];
    entries.set(descriptor.digest, dockerEntry(document, [...before, ...(name === null ? [] : [name])]));
  }
  return [...entries.values()];
}

const inMemory = (path: string, bytes: Buffer): TarFile => ({path, size: bytes.length, content: [bytes]});
