import {chainIds} from '../../src/oci/chain-id.ts';
import type {Digest} from '../../src/oci/digest.ts';
import type {Database} from '../../src/store/database.ts';
import {recordImage, recordLayerFile} from '../../src/store/image-records.ts';
import {setTag} from '../../src/store/tags.ts';
import {digestFor} from './sample-graph.ts';

/** Images of one family: the first has two layers, each other one two more than the one before. */
const FAMILY = 10;

/**
 * Fills a database as pulls of many images would: 11 layers each on average, one image in four with a second tag.
 *
 * @param images A multiple of 10.
 */
export function fillDatabase(database: Database, images: number): void {
  let diffIds: readonly Digest[] = [];
  for (let number = 0; number < images; number++) {
    if (number % FAMILY === 0) diffIds = [];
    diffIds = [...diffIds, digestFor(`${number} lower`), digestFor(`${number} upper`)];
    addLargeImage(database, number, diffIds);
  }
}

function addLargeImage(database: Database, number: number, diffIds: readonly Digest[]): void {
  const manifestDigest = digestFor(`image ${number}`);
  const chains = chainIds(diffIds);
  const layers = diffIds.map((diffId, position) => ({
    blobDigest: digestFor(`${diffId}.gz`),
    blobBytes: 1000,
    mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
    diffId,
    chainId: chains[position] ?? diffId,
  }));
  for (const {diffId} of layers) {
    const directories = {implied: [], opaque: []};
    recordLayerFile(database, {diffId, tarBytes: 5000, fileBytes: 6000, entries: 10, whiteouts: 0, directories});
  }
  const image = {
    manifestDigest,
    manifestType: 'application/vnd.oci.image.manifest.v1+json',
    manifestBytes: 500,
    configDigest: digestFor(`config ${number}`),
    configBytes: 700,
    platform: 'linux/amd64',
    created: '2024-01-01T00:00:00Z',
    chainId: layers.at(-1)?.chainId ?? null,
    layerCount: layers.length,
    storedAt: number,
  };
  recordImage(database, image, layers);
  const names = number % 4 === 0 ? ['app', 'alias'] : ['app'];
  for (const name of names) {
    const reference = `registry.example/${name}${number % 50}:${number}`;
    setTag(database, {reference, targetDigest: manifestDigest, manifestDigest}, number);
  }
}
