import type {Digest} from '../oci/digest.ts';
import type {Database} from '../store/database.ts';
import {layersOf, type StoredLayer} from '../store/image-records.ts';

export interface LayerDetails {
  readonly digest: string;
  readonly diffId: string;
  readonly chainId: string;
  readonly mediaType: string;
  readonly compressedBytes: number;
  readonly unpackedBytes: number;
  readonly entries: number;
}

/** The layers of an image as callers see them, base first. */
export const describeLayers = (database: Database, manifestDigest: Digest): readonly LayerDetails[] =>
  layersOf(database, manifestDigest).map(describeLayer);

const describeLayer = (layer: StoredLayer): LayerDetails => ({
  digest: layer.blobDigest,
  diffId: layer.diffId,
  chainId: layer.chainId,
  mediaType: layer.mediaType,
  compressedBytes: layer.blobBytes,
  unpackedBytes: layer.tarBytes,
  entries: layer.entries,
});

export const totalOf = (layers: readonly LayerDetails[], field: 'compressedBytes' | 'unpackedBytes'): number =>
  layers.reduce((sum, layer) => sum + layer[field], 0);
