import {constants, createGunzip, createZstdDecompress, gunzipSync, zstdDecompressSync} from 'node:zlib';

export type ChunkCompression = 'gzip' | 'zstd';

export interface PrefixOptions {
  readonly compression: ChunkCompression;
  /** How many of the first unpacked bytes are wanted. */
  readonly bytes: number;
}

const PIECE_BYTES = 256 * 1024;
const LEAST_PIECE_BYTES = 1024;
/** Of less it takes longer to hand it to another thread. */
const SYNCHRONOUS_BYTES = 128 * 1024;
/** What fills the last block of a tar, and the header of the next entry. */
const BEHIND_BYTES = 8 * 1024;
const ZSTD_WINDOW_LOG_LIMIT = 27;
const ZSTD_LIMITS = Object.freeze({[constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_LIMIT});

/** The first unpacked bytes of what is packed; null where it is damaged, or has less. What is behind is not unpacked. */
export async function unpackPrefix(packed: Buffer, options: PrefixOptions): Promise<Buffer | null> {
  const isSmall = options.bytes <= SYNCHRONOUS_BYTES && packed.length <= SYNCHRONOUS_BYTES;
  return (isSmall ? unpackAll(packed, options) : null) ?? (await unpackStream(packed, options));
}

/** Null also where there is more behind than a little. */
function unpackAll(packed: Buffer, {compression, bytes}: PrefixOptions): Buffer | null {
  const limits = {maxOutputLength: bytes + BEHIND_BYTES, chunkSize: bytes + LEAST_PIECE_BYTES};
  try {
    const unpacked =
      compression === 'gzip'
        ? gunzipSync(packed, limits)
        : zstdDecompressSync(packed, {...limits, params: ZSTD_LIMITS});
    return unpacked.length < bytes ? null : unpacked.subarray(0, bytes);
  } catch (error) {
    if (isCompressionError(error) || error instanceof RangeError) return null;
    throw error;
  }
}

async function unpackStream(packed: Buffer, {compression, bytes}: PrefixOptions): Promise<Buffer | null> {
  const engine = createEngine(compression, Math.max(LEAST_PIECE_BYTES, Math.min(PIECE_BYTES, bytes)));
  const pieces: Buffer[] = [];
  let missing = bytes;
  engine.end(packed);
  try {
    for await (const piece of engine) {
      pieces.push(piece.subarray(0, missing));
      missing -= Math.min(missing, piece.length);
      if (missing === 0) break;
    }
  } catch (error) {
    if (isCompressionError(error)) return null;
    throw error;
  }
  return missing === 0 ? Buffer.concat(pieces) : null;
}

function createEngine(compression: ChunkCompression, chunkSize: number) {
  if (compression === 'gzip') return createGunzip({chunkSize});
  return createZstdDecompress({chunkSize, params: ZSTD_LIMITS});
}

const isCompressionError = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && /^(?:Z_|ZSTD_)/.test(String(error.code));
