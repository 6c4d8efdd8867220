import {constants, createGunzip, createZstdDecompress} from 'node:zlib';

export type ChunkCompression = 'gzip' | 'zstd';

export interface PrefixOptions {
  readonly compression: ChunkCompression;
  /** How many of the first unpacked bytes are wanted. */
  readonly bytes: number;
}

const PIECE_BYTES = 256 * 1024;
const ZSTD_WINDOW_LOG_LIMIT = 27;

/** The first unpacked bytes of what is packed; null where it is damaged, or has less. What is behind is not unpacked. */
export async function unpackPrefix(packed: Buffer, {compression, bytes}: PrefixOptions): Promise<Buffer | null> {
  const engine = createEngine(compression);
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

function createEngine(compression: ChunkCompression) {
  if (compression === 'gzip') return createGunzip({chunkSize: PIECE_BYTES});
  const params = {[constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_LIMIT};
  return createZstdDecompress({chunkSize: PIECE_BYTES, params});
}

const isCompressionError = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && /^(?:Z_|ZSTD_)/.test(String(error.code));
