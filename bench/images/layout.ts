import {createHash, type Hash} from 'node:crypto';
import {createWriteStream} from 'node:fs';
import {mkdir, readFile, rename, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {Transform} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import {createGzip} from 'node:zlib';
import {buildTar, type TarEntry} from '../../fixtures/build-tar.ts';
import {type Digest, digestOf, parseDigest} from '../../src/oci/digest.ts';

/** A compressed layer in a layout. */
export interface LayoutLayer {
  readonly digest: Digest;
  readonly size: number;
  readonly diffId: Digest;
}

export interface LayoutImage {
  readonly manifestDigest: Digest;
  /** Base first. */
  readonly layers: readonly LayoutLayer[];
}

export interface ImageParts {
  readonly architecture: string;
  readonly layers: readonly LayoutLayer[];
}

const LAYOUT_VERSION = '{"imageLayoutVersion":"1.0.0"}';
const CREATED = '2024-01-01T00:00:00Z';
const MEDIA_TYPE = 'application/vnd.oci.image';
const CHUNK_BYTES = 1024 * 1024;
/** What registries and builders choose when nobody says. */
const GZIP_LEVEL = 6;
const NO_TRAILER = {trailer: Buffer.alloc(0)};

/** Where a blob of the layout lies. */
export const blobPath = (layout: string, digest: Digest): string => join(layout, 'blobs', ...digest.split(':'));

/** Prepares an empty OCI layout directory; one that is there stays. */
export async function prepareLayout(layout: string): Promise<void> {
  await mkdir(join(layout, 'blobs/sha256'), {recursive: true});
  await writeFile(join(layout, 'oci-layout'), LAYOUT_VERSION);
}

/**
 * Streams entries into a gzip layer, however large, and keeps it under its digest.
 *
 * Readers never see a partial blob.
 */
export async function writeLayer(layout: string, entries: Iterable<TarEntry>): Promise<LayoutLayer> {
  const partial = join(layout, `partial-${process.pid}`);
  const uncompressed = createHash('sha256');
  const compressed = createHash('sha256');
  const gzip = createGzip({level: GZIP_LEVEL, chunkSize: CHUNK_BYTES});
  const counter = {bytes: 0};
  const output = createWriteStream(partial);
  await pipeline(tarChunks(entries, uncompressed), gzip, hashing(compressed, counter), output);
  const digest = parseDigest(`sha256:${compressed.digest('hex')}`);
  await rename(partial, blobPath(layout, digest));
  return {digest, size: counter.bytes, diffId: parseDigest(`sha256:${uncompressed.digest('hex')}`)};
}

/** Writes config and manifest, and names the image in the index. */
export async function writeImage(layout: string, name: string, parts: ImageParts): Promise<LayoutImage> {
  const config = await writeDocument(layout, `${MEDIA_TYPE}.config.v1+json`, {
    created: CREATED,
    os: 'linux',
    architecture: parts.architecture,
    config: {Cmd: ['/bin/sh'], Env: ['PATH=/usr/bin:/bin']},
    rootfs: {type: 'layers', diff_ids: parts.layers.map(({diffId}) => diffId)},
    history: parts.layers.map((_, index) => ({created: CREATED, created_by: `layer ${index + 1}`})),
  });
  const mediaType = `${MEDIA_TYPE}.layer.v1.tar+gzip`;
  const manifest = await writeDocument(layout, `${MEDIA_TYPE}.manifest.v1+json`, {
    schemaVersion: 2,
    mediaType: `${MEDIA_TYPE}.manifest.v1+json`,
    config,
    layers: parts.layers.map(({digest, size}) => ({mediaType, digest, size})),
  });
  await nameImage(layout, name, manifest);
  return {manifestDigest: manifest.digest, layers: parts.layers};
}

/** Blocks of single entries, gathered so that streams have few large chunks to pass on. */
async function* tarChunks(entries: Iterable<TarEntry>, hash: Hash): AsyncGenerator<Buffer> {
  let gathered: Buffer[] = [];
  let bytes = 0;
  const take = () => {
    const chunk = Buffer.concat(gathered);
    gathered = [];
    bytes = 0;
    hash.update(chunk);
    return chunk;
  };
  for (const entry of entries) {
    const blocks = buildTar([entry], NO_TRAILER);
    gathered.push(blocks);
    bytes += blocks.length;
    if (bytes >= CHUNK_BYTES) yield take();
  }
  gathered.push(buildTar([]));
  yield take();
}

function hashing(hash: Hash, counter: {bytes: number}): Transform {
  return new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      counter.bytes += chunk.length;
      done(null, chunk);
    },
  });
}

async function writeDocument(layout: string, mediaType: string, document: object) {
  const bytes = Buffer.from(JSON.stringify(document));
  const digest = digestOf(bytes);
  await writeFile(blobPath(layout, digest), bytes);
  return {mediaType, digest, size: bytes.length};
}

interface LayoutIndex {
  readonly manifests: readonly {readonly annotations: Readonly<Record<string, string>>}[];
}

const NAME = 'org.opencontainers.image.ref.name';

async function nameImage(layout: string, name: string, manifest: object): Promise<void> {
  const path = join(layout, 'index.json');
  const others = (await readIndex(path)).manifests.filter(({annotations}) => annotations[NAME] !== name);
  const manifests = [...others, {...manifest, annotations: {[NAME]: name}}];
  await writeFile(`${path}.new`, JSON.stringify({schemaVersion: 2, manifests}));
  await rename(`${path}.new`, path);
}

async function readIndex(path: string): Promise<LayoutIndex> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {manifests: []};
    throw error;
  }
}
