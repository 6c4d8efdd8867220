import {statfs} from 'node:fs/promises';
import {WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {layerCompression} from '../oci/media-types.ts';
import type {Store} from '../store/store.ts';
import {readDiskUsage} from './disk-usage.ts';
import type {BlobRecord} from './receive-layer.ts';

/** What most layers of images unpack to, for each compressed byte; guessed high. */
const UNPACKED_RATIO = 3;

/** About how large the file of a layer will be; of one that comes without compression, at least so large. */
export const guessLayerFile = ({blobBytes, mediaType}: Pick<BlobRecord, 'blobBytes' | 'mediaType'>): number =>
  isPlain(mediaType) ? blobBytes : blobBytes * UNPACKED_RATIO;

const isPlain = (mediaType: string): boolean => layerCompression(mediaType) === 'none';

export interface SpaceNeeds {
  /** What is needed for sure besides `layers`, in bytes. */
  readonly sureBytes: number;
  /** The layers whose files are still to be written, of sizes that nobody has told. */
  readonly layers: readonly Pick<BlobRecord, 'blobBytes' | 'mediaType'>[];
}

/**
 * Ends early what cannot end well: when the store's disk has less space than is needed for sure. Where it has less than
 * is needed by a guess, that is told as a warning, `SPACE_SHORT`.
 *
 * @throws {WinchError} `STORE_FULL`, with `details` of `neededBytes`, `freeBytes` and `reclaimableBytes`
 */
export async function requireSpace(store: Store, needs: SpaceNeeds, options: CallOptions): Promise<void> {
  const {bavail, bsize} = await statfs(store.paths.root);
  const freeBytes = bavail * bsize;
  const sizesOf = (some: SpaceNeeds['layers']) => some.reduce((sum, layer) => sum + guessLayerFile(layer), 0);
  const {layers} = needs;
  const sureBytes = needs.sureBytes + sizesOf(layers.filter(({mediaType}) => isPlain(mediaType)));
  if (sureBytes > freeBytes) throw tooLittle(store, {neededBytes: sureBytes, freeBytes});
  const guessedBytes = needs.sureBytes + sizesOf(layers);
  if (guessedBytes <= freeBytes) return;
  const message = `${store.paths.root} has ${megabytes(freeBytes)} free, and about ${megabytes(guessedBytes)} may be needed`;
  options.onEvent?.({type: 'warning:raised', code: 'SPACE_SHORT', message});
}

interface Shortage {
  readonly neededBytes: number;
  readonly freeBytes: number;
}

function tooLittle(store: Store, {neededBytes, freeBytes}: Shortage): WinchError {
  const {root} = store.paths;
  const {layers, blobs} = readDiskUsage(store);
  const reclaimableBytes = layers.reclaimableBytes + blobs.reclaimableBytes;
  return new WinchError(
    'STORE_FULL',
    `${root} has ${megabytes(freeBytes)} free, and at least ${megabytes(neededBytes)} are needed`,
    {
      kind: 'storage',
      hint:
        reclaimableBytes > 0
          ? `what no image needs takes ${megabytes(reclaimableBytes)} of it`
          : 'free space there or choose another root',
      details: {neededBytes, freeBytes, reclaimableBytes},
    },
  );
}

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;
