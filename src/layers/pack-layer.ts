import {createWriteStream} from 'node:fs';
import {pipeline} from 'node:stream/promises';
import {constants, createZstdCompress} from 'node:zlib';
import {readRegion} from '../host/file-regions.ts';
import {createDigester, type Digest, digestAlgorithm} from '../oci/digest.ts';
import {HEAD_BYTES} from './erofs-format.ts';
import {wrongBytes} from './pack.ts';

export interface LayerToPack {
  /** Of a layer file. */
  readonly path: string;
  readonly diffId: Digest;
  readonly tarBytes: number;
}

export interface PackLayerOptions {
  /** Called with the bytes of the tar that were read so far. */
  readonly onRead?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** 13 % smaller than level 1 and unpacked as fast; zstd's own default. */
const LEVEL = 3;
const CHUNK_BYTES = 1024 * 1024;
const FILE_MODE = 0o644;

/**
 * Writes the tar of a layer file into a new file, packed by zstd.
 *
 * @throws {WinchError} `STORE_CORRUPT`: it is no longer the tar that was written; the output is then useless
 */
export async function packLayer(layer: LayerToPack, output: string, options: PackLayerOptions): Promise<void> {
  const engine = createZstdCompress({chunkSize: CHUNK_BYTES, params: {[constants.ZSTD_c_compressionLevel]: LEVEL}});
  const sink = createWriteStream(output, {flags: 'wx', mode: FILE_MODE, highWaterMark: CHUNK_BYTES});
  await pipeline(readTar(layer, options), engine, sink, {signal: options.signal});
}

async function* readTar({path, diffId, tarBytes}: LayerToPack, {onRead, signal}: PackLayerOptions) {
  const digester = createDigester(digestAlgorithm(diffId));
  let read = 0;
  for await (const chunk of readRegion({path, offset: HEAD_BYTES, size: tarBytes}, 0, {signal})) {
    digester.update(chunk);
    yield chunk;
    read += chunk.length;
    onRead?.(read);
  }
  if (digester.digest() !== diffId) throw wrongBytes(diffId);
}
