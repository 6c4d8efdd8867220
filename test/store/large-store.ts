import {mkdirSync, writeFileSync} from 'node:fs';
import {dirname} from 'node:path';
import {chainIds} from '../../src/oci/chain-id.ts';
import {type Digest, digestOf} from '../../src/oci/digest.ts';
import type {Database} from '../../src/store/database.ts';
import {type ImageRecord, type LayerRecord, recordImage, recordLayerFile} from '../../src/store/image-records.ts';
import type {StorePaths} from '../../src/store/paths.ts';
import {setTag} from '../../src/store/tags.ts';
import {digestFor} from './sample-graph.ts';

/** A family is a base, the images that are built on it, and a few that are built on one of those. */
export const FAMILY = 20;
const SECOND_BASE = 15;
export const BASE_LAYERS = 4;
export const OWN_LAYERS = 11;
export const BLOB_BYTES = 1000;
export const TAR_BYTES = 5000;
export const FILE_BYTES = 6000;
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar+gzip';

export interface LargeImage {
  readonly image: ImageRecord;
  /** Base first. */
  readonly layers: readonly LayerRecord[];
  readonly manifest: Buffer;
  readonly config: Buffer;
  readonly references: readonly string[];
}

/** An image of {@link fillDatabase}, from 0: families of 20, one image in four with a second tag. */
export function largeImage(number: number): LargeImage {
  const layers = layersOf(number);
  const config = documentOf({
    architecture: 'amd64',
    os: 'linux',
    config: {Env: ['PATH=/usr/local/bin:/usr/bin:/bin', `NUMBER=${number}`], Cmd: ['/bin/sh']},
    rootfs: {type: 'layers', diff_ids: layers.map(({diffId}) => diffId)},
    history: layers.map((_, position) => ({created: '2024-01-01T00:00:00Z', created_by: `RUN step ${position}`})),
  });
  const manifest = documentOf({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: {mediaType: CONFIG_TYPE, digest: digestOf(config), size: config.length},
    layers: layers.map(({blobDigest, blobBytes, mediaType}) => ({mediaType, digest: blobDigest, size: blobBytes})),
  });
  const image = {
    manifestDigest: digestOf(manifest),
    manifestType: MANIFEST_TYPE,
    manifestBytes: manifest.length,
    configDigest: digestOf(config),
    configBytes: config.length,
    platform: 'linux/amd64',
    created: '2024-01-01T00:00:00Z',
    chainId: layers.at(-1)?.chainId ?? null,
    layerCount: layers.length,
    storedAt: number,
  };
  const names = number % 4 === 0 ? ['app', 'alias'] : ['app'];
  const references = names.map((name) => `registry.example/${name}${number % 50}:${number}`);
  return {image, layers, manifest, config, references};
}

/** Fills a database as pulls of many images would; 2 000 have 21 300 layers, 16.7 each on average. */
export function fillDatabase(database: Database, images: readonly LargeImage[]): void {
  for (const {image, layers, references} of images) {
    for (const {diffId} of layers) {
      const directories = {implied: [], opaque: []};
      const sizes = {tarBytes: TAR_BYTES, fileBytes: FILE_BYTES, entries: 10, whiteouts: 0};
      recordLayerFile(database, {diffId, ...sizes, directories});
    }
    recordImage(database, image, layers);
    const {manifestDigest, storedAt} = image;
    for (const reference of references) {
      setTag(database, {reference, targetDigest: manifestDigest, manifestDigest}, storedAt);
    }
  }
}

/** Puts the files of images where a store has them: documents as they are, blobs and layer files of zeros. */
export function writeFiles(paths: StorePaths, images: readonly LargeImage[]): void {
  const files = new Map<string, Buffer>();
  const [blob, layerFile] = [Buffer.alloc(BLOB_BYTES), Buffer.alloc(FILE_BYTES)];
  for (const {image, layers, manifest, config} of images) {
    files.set(paths.blob(image.manifestDigest), manifest).set(paths.blob(image.configDigest), config);
    for (const {blobDigest, diffId} of layers) {
      files.set(paths.blob(blobDigest), blob).set(paths.layer(diffId), layerFile);
    }
  }
  for (const [path, bytes] of files) {
    mkdirSync(dirname(path), {recursive: true, mode: 0o700});
    writeFileSync(path, bytes, {mode: 0o600});
  }
}

function layersOf(number: number): readonly LayerRecord[] {
  const diffIds = diffIdsOf(number);
  return chainIds(diffIds).map((chainId, position) => {
    const diffId = diffIds[position] ?? chainId;
    const blobDigest = digestFor(`${diffId}.gz`);
    return {blobDigest, blobBytes: BLOB_BYTES, mediaType: LAYER_TYPE, diffId, chainId};
  });
}

function diffIdsOf(number: number): readonly Digest[] {
  const place = number % FAMILY;
  const own = Array.from({length: place === 0 ? BASE_LAYERS : OWN_LAYERS}, (_, index) =>
    digestFor(`layer ${number} ${index}`),
  );
  if (place === 0) return own;
  return [...diffIdsOf(place > SECOND_BASE ? number - place + SECOND_BASE : number - place), ...own];
}

const documentOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
