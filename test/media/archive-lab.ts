import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {type BuiltImage, buildImage, describeDocument} from '../../fixtures/build-image.ts';
import {buildTar, type TarEntry} from '../../fixtures/build-tar.ts';
import {openArchiveFiles} from '../../src/media/archive-files.ts';
import type {ContentSource} from '../../src/media/content.ts';
import {openDockerArchiveSource} from '../../src/media/docker-archive-source.ts';
import {openLayoutSource} from '../../src/media/layout-source.ts';
import type {Selection} from '../../src/media/location.ts';
import type {Descriptor} from '../../src/oci/descriptor.ts';

export const plainImage = buildImage({
  layers: [buildTar([{path: 'a', content: 'a'}]), buildTar([{path: 'b', content: 'b'}])],
  compression: 'none',
});

export const hexOf = (digest: string): string => digest.slice('sha256:'.length);

/** As `docker save` wrote it before version 25. */
export function dockerSaveEntries(
  image: BuiltImage = plainImage,
  tags: readonly string[] | null = ['app:1'],
): readonly TarEntry[] {
  const config = `${hexOf(image.config.digest)}.json`;
  const layers = image.layers.map((layer) => `${hexOf(layer.digest)}/layer.tar`);
  const manifest = [{Config: config, RepoTags: tags, Layers: layers}];
  return [
    ...image.layers.map((layer): TarEntry => ({path: `${hexOf(layer.digest)}/layer.tar`, content: layer.bytes})),
    {path: config, content: image.config.bytes},
    {path: 'manifest.json', content: JSON.stringify(manifest)},
  ];
}

/** As `docker save` has written it since version 25. */
export function layoutEntries(image: BuiltImage, name: string): readonly TarEntry[] {
  const annotations = {
    'io.containerd.image.name': name,
    'org.opencontainers.image.ref.name': name.slice(name.lastIndexOf(':') + 1),
  };
  const index = {schemaVersion: 2, manifests: [{...describeDocument(image.manifest), annotations}]};
  const blobs = [...image.blobs, [image.manifest.digest, image.manifest.bytes] as const];
  return [
    {path: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}'},
    {path: 'index.json', content: JSON.stringify(index)},
    ...blobs.map(([digest, bytes]) => ({path: `blobs/sha256/${hexOf(digest)}`, content: bytes})),
  ];
}

export interface ArchiveToOpen {
  readonly directory: string;
  readonly bytes: Buffer;
  readonly selection?: Selection | null;
}

export async function openDockerArchive({directory, bytes, selection = null}: ArchiveToOpen): Promise<ContentSource> {
  const path = join(directory, 'archive.tar');
  writeFileSync(path, bytes);
  const files = await openArchiveFiles(path, {});
  try {
    return await openDockerArchiveSource({name: `docker-archive:${path}`, files, selection}, {});
  } catch (error) {
    await files.close();
    throw error;
  }
}

export async function openOciArchive({directory, bytes, selection = null}: ArchiveToOpen): Promise<ContentSource> {
  const path = join(directory, 'archive.tar');
  writeFileSync(path, bytes);
  const files = await openArchiveFiles(path, {});
  try {
    return await openLayoutSource({name: `oci-archive:${path}`, files, selection}, {});
  } catch (error) {
    await files.close();
    throw error;
  }
}

export async function readBlob(source: ContentSource, descriptor: Descriptor, offset = 0): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source.blob(descriptor).open(offset)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
