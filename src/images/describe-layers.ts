import type {Digest} from '../oci/digest.ts';
import type {Database} from '../store/database.ts';
import {findLayerFile, type LayerRecord, listedLayersOf} from '../store/image-records.ts';

export interface LayerDetails {
  readonly digest: string;
  readonly diffId: string;
  readonly chainId: string;
  readonly mediaType: string;
  readonly compressedBytes: number;
  /** Null while the layer is only downloaded. */
  readonly unpackedBytes: number | null;
  readonly entries: number | null;
}

/** The layers of an image as callers see them, base first. */
export const describeLayers = (database: Database, manifestDigest: Digest): readonly LayerDetails[] =>
  listedLayersOf(database, manifestDigest).map((layer) => describeLayer(database, layer));

function describeLayer(database: Database, {blobDigest, diffId, chainId, mediaType, blobBytes}: LayerRecord) {
  const file = findLayerFile(database, diffId);
  return {
    digest: blobDigest,
    diffId,
    chainId,
    mediaType,
    compressedBytes: blobBytes,
    unpackedBytes: file?.tarBytes ?? null,
    entries: file?.entries ?? null,
  };
}

export const compressedTotal = (layers: readonly LayerDetails[]): number =>
  layers.reduce((sum, {compressedBytes}) => sum + compressedBytes, 0);

/** Null while some layer is only downloaded. */
export const unpackedTotal = (layers: readonly LayerDetails[]): number | null =>
  layers.reduce<number | null>(
    (sum, {unpackedBytes}) => (sum === null || unpackedBytes === null ? null : sum + unpackedBytes),
    0,
  );
