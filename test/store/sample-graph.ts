import {join} from 'node:path';
import {chainIds} from '../../src/oci/chain-id.ts';
import {type Digest, digestOf} from '../../src/oci/digest.ts';
import {type Database, openDatabase} from '../../src/store/database.ts';
import {
  type ImageRecord,
  type LayerFileRecord,
  type LayerRecord,
  recordImage,
  recordLayerFile,
} from '../../src/store/image-records.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

/** A digest that a name stands for. */
export const digestFor = (name: string): Digest => digestOf(Buffer.from(name));

/** Of a store in which nothing is extracted. */
export const NO_TREES = {layerTree: () => join(import.meta.dirname, 'none')};

/** A layer by a letter: 10 compressed bytes, 100 in its file. */
export const layerFileFor = (letter: string): LayerFileRecord => ({
  diffId: digestFor(letter),
  tarBytes: 90,
  fileBytes: 100,
  entries: 3,
  whiteouts: 1,
  directories: {implied: letter === 'a' ? ['', 'd\xe9'] : [], opaque: []},
});

export interface SampleImage {
  readonly name: string;
  /** One letter for each layer, base first. */
  readonly layers: string;
  readonly config?: string;
  /** Whether blobs are plain tars, with the digest of their layer. */
  readonly isPlain?: boolean;
  readonly storedAt?: number;
}

/** The layers of an image, base first. */
export function layerRecordsFor({layers, isPlain = false}: SampleImage): readonly LayerRecord[] {
  const diffIds = [...layers].map(digestFor);
  return chainIds(diffIds).map((chainId, position) => {
    const diffId = diffIds[position] ?? digestFor('');
    const blobDigest = isPlain ? diffId : digestFor(`${layers[position]}.gz`);
    return {blobDigest, blobBytes: 10, mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', diffId, chainId};
  });
}

/** An image whose manifest and config have one byte each. */
export function imageRecordFor(image: SampleImage): ImageRecord {
  const layers = layerRecordsFor(image);
  return {
    manifestDigest: digestFor(image.name),
    manifestType: 'application/vnd.oci.image.manifest.v1+json',
    manifestBytes: 1,
    configDigest: digestFor(image.config ?? `${image.name}.config`),
    configBytes: 1,
    platform: 'linux/amd64',
    created: null,
    chainId: layers.at(-1)?.chainId ?? null,
    layerCount: layers.length,
    storedAt: image.storedAt ?? 0,
  };
}

/** Records an image with its layer files, as a pull does. */
export function addImage(database: Database, image: SampleImage): Digest {
  const record = imageRecordFor(image);
  for (const letter of image.layers) recordLayerFile(database, layerFileFor(letter));
  recordImage(database, record, layerRecordsFor(image));
  return record.manifestDigest;
}

export interface SampleDatabase extends Disposable {
  readonly database: Database;
}

/** A database of its own with these images. */
export async function openSampleDatabase(images: readonly SampleImage[] = []): Promise<SampleDatabase> {
  const directory = makeTemporaryDirectory();
  const database = await openDatabase(join(directory.path, 'winch.db'), 'fast');
  database.transaction(() => {
    for (const image of images) addImage(database, image);
  });
  return {
    database,
    [Symbol.dispose]: () => {
      database.close();
      directory[Symbol.dispose]();
    },
  };
}
