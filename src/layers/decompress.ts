import type {Transform} from 'node:stream';
import {finished} from 'node:stream/promises';
import {constants, createGunzip, createInflateRaw, createZstdDecompress} from 'node:zlib';
import {releaseAtEnd, releaseWhole} from '../host/release-memory.ts';
import type {LayerCompression} from '../oci/media-types.ts';
import {detectCompression, SIGNATURE_BYTES} from './compression.ts';
import {endMember, followOn, isPlainMember, MEMBER_HEAD_BYTES, readMember, trailingBytes} from './gzip-member.ts';
import {peekStream} from './peek-stream.ts';
import {layerRefusal} from './refusal.ts';

export interface DecompressedLayer {
  readonly compression: LayerCompression;
  /**
   * The tar. To be read to its end or left with `return`, which releases the source. A chunk's memory is gone when the
   * next one is asked for.
   */
  readonly chunks: AsyncIterable<Buffer>;
}

export interface DecompressOptions {
  readonly signal?: AbortSignal | undefined;
  /**
   * Whether the caller knows the tar's digest and checks it: then the checksum of gzip, a sixth of the work, is left out.
   * Default: false.
   */
  readonly isVerified?: boolean | undefined;
}

type Engine = Transform & {readonly bytesWritten: number};

/** Bytes per output chunk: 1 MiB makes inflating 2.5 times as fast as the default 16 KiB. */
const CHUNK_BYTES = 1024 * 1024;
/**
 * Decompression runs on a pool thread. What it may have ready, and what may wait to be read, keep it running while
 * this thread hashes and parses.
 */
const BUFFERED_BYTES = Object.freeze({readableHighWaterMark: 4 * CHUNK_BYTES, writableHighWaterMark: CHUNK_BYTES});
const ZSTD_WINDOW_LOG_LIMIT = 27;
const PEEKED_BYTES = Math.max(SIGNATURE_BYTES, MEMBER_HEAD_BYTES);

/**
 * Opens a layer blob: gzip (any number of members, trailing NULs), zstd (any number of frames, window up to 128 MiB) or
 * plain, decided by its first bytes.
 *
 * Reading throws `LAYER_COMPRESSION_INVALID` when the blob is damaged, ends early or has other bytes behind its end; on
 * abort `signal.reason`. Node lets some zstd frames pass that end early: the diff id has the last word on every layer.
 *
 * @param source The blob; its chunks are used up.
 * @throws {WinchError} `LAYER_COMPRESSION_INVALID`: a compression that images do not use.
 */
export async function decompressLayer(
  source: AsyncIterable<Uint8Array>,
  {signal, isVerified = false}: DecompressOptions = {},
): Promise<DecompressedLayer> {
  const {head, whole, release} = await peekStream(source, PEEKED_BYTES);
  try {
    const compression = detectCompression(head);
    if (compression === 'none') return {compression, chunks: whole};
    if (isVerified && isPlainMember(head)) return {compression, chunks: inflateMember(whole, signal)};
    return {compression, chunks: runEngine(createEngine(compression), whole, {signal})};
  } catch (error) {
    await release();
    throw error;
  }
}

function createEngine(compression: 'gzip' | 'deflate' | 'zstd'): Engine {
  const buffered = {chunkSize: CHUNK_BYTES, ...BUFFERED_BYTES};
  if (compression === 'gzip') return createGunzip(buffered);
  if (compression === 'deflate') return createInflateRaw(buffered);
  return createZstdDecompress({...buffered, params: {[constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_LIMIT}});
}

/** Inflates a plain gzip member without its checksum, and what follows it as any gzip. */
async function* inflateMember(source: AsyncIterable<Buffer>, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  const input = source[Symbol.asyncIterator]();
  try {
    const unread: Buffer[] = [];
    const deflated = readMember(input, () => unread.length > 0);
    let bytes = 0;
    const onUnread = (rest: Buffer) => void unread.push(Buffer.from(rest));
    for await (const chunk of runEngine(createEngine('deflate'), deflated, {signal, onUnread})) {
      bytes += chunk.length;
      yield chunk;
    }
    const rest = await endMember(input, {unread: Buffer.concat(unread), bytes});
    if (rest.length > 0) yield* runEngine(createEngine('gzip'), followOn(rest, input), {signal});
  } finally {
    // It may be in the middle of a read that nobody waits for any more.
    input.return?.().catch(() => {});
  }
}

interface EngineOptions {
  readonly signal: AbortSignal | undefined;
  /** Told, in their order, of bytes behind the end of what was compressed, which are gone then; absent: they are refused. */
  readonly onUnread?: (bytes: Buffer) => void;
}

async function* runEngine(
  engine: Engine,
  source: AsyncIterable<Buffer>,
  {signal, onUnread = refuseUnread(engine)}: EngineOptions,
): AsyncGenerator<Buffer> {
  const feeding = feedEngine(engine, source, onUnread);
  feeding.catch((error) => engine.destroy(error));
  const abort = () => engine.destroy(signal?.reason);
  signal?.addEventListener('abort', abort);
  try {
    // The engine may end before its input does: what is left must still be checked.
    for await (const chunk of engine.iterator({destroyOnReturn: false})) {
      yield chunk;
      // The engine fills a buffer from front to back and then takes a new one: who has read its end is its last user.
      releaseAtEnd(chunk, CHUNK_BYTES);
    }
    await feeding;
  } catch (error) {
    throw signal?.aborted ? signal.reason : compressionError(error);
  } finally {
    signal?.removeEventListener('abort', abort);
    engine.destroy();
  }
}

const refuseUnread = (engine: Engine) => (bytes: Buffer) => {
  if (bytes.some((byte) => byte !== 0)) engine.destroy(trailingBytes());
};

async function feedEngine(
  engine: Engine,
  source: AsyncIterable<Buffer>,
  onUnread: (bytes: Buffer) => void,
): Promise<void> {
  let fed = 0;
  for await (const chunk of source) {
    fed += chunk.length;
    const end = fed;
    const isAccepted = engine.write(chunk, (error) => {
      // What was not accepted may be with the thread that decompresses.
      if (error) return;
      const unread = chunk.subarray(Math.max(0, chunk.length - (end - engine.bytesWritten)));
      if (unread.length > 0) onUnread(unread);
      releaseWhole(chunk);
    });
    if (!isAccepted) await drained(engine);
    if (engine.destroyed) return;
  }
  engine.end();
  await finished(engine, {readable: false});
}

const drained = (engine: Engine): Promise<void> =>
  new Promise((resolve) => {
    const settle = () => {
      engine.off('drain', settle).off('close', settle);
      resolve();
    };
    engine.on('drain', settle).on('close', settle);
  });

/** zlib and zstd name their failures by code; anything else is the source's own failure. */
function compressionError(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error;
  if (error.code === 'ZSTD_error_frameParameter_windowTooLarge') {
    return layerRefusal('LAYER_COMPRESSION_INVALID', 'the layer needs a zstd window of more than 128 MiB', error);
  }
  if (!error.code.startsWith('Z_') && !error.code.startsWith('ZSTD_')) return error;
  return layerRefusal('LAYER_COMPRESSION_INVALID', `the layer's compressed data is damaged: ${error.message}`, error);
}
