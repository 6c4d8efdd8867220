import {hasErrno, WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {filterThrough} from '../host/filter-command.ts';
import {findCompression, SIGNATURE_BYTES} from '../layers/compression.ts';
import {decompressLayer} from '../layers/decompress.ts';
import {peekStream} from '../layers/peek-stream.ts';

/** Debian's packages of the programs that unpack what Node cannot. */
const PROGRAMS = Object.freeze({
  bzip2: {command: ['bzip2', '-dc'], package: 'bzip2'},
  // What `xz -9` needs, four times over: a file can ask for 4 GiB.
  xz: {command: ['xz', '-dc', '--memlimit-decompress=256MiB'], package: 'xz-utils'},
} as const);
const ENVIRONMENT = Object.freeze({PATH: '/usr/local/bin:/usr/bin:/bin'});

/** Whether a file that starts with `head` has to be unpacked before it can be read at any place. */
export const isPacked = (head: Buffer): boolean => findCompression(head) !== 'none';

/** Whether a layer may be packed as what starts with `head` is. */
export const canBeLayer = (head: Buffer): boolean => ['none', 'gzip', 'zstd'].includes(findCompression(head));

/**
 * The bytes of what people hand in: plain, or packed by gzip, zstd, xz or bzip2, whatever its name says. Layers inside
 * are packed by gzip or zstd alone.
 *
 * @throws {WinchError} `ARCHIVE_COMPRESSION_INVALID`: damaged | `ARCHIVE_COMPRESSION_UNSUPPORTED`: there is no program
 */
export async function* decompressArchive(
  source: AsyncIterable<Uint8Array>,
  {signal}: CallOptions,
): AsyncGenerator<Buffer> {
  const {head, whole} = await peekStream(source, SIGNATURE_BYTES);
  const compression = findCompression(head);
  if (compression !== 'xz' && compression !== 'bzip2') {
    yield* (await decompressLayer(whole, {signal})).chunks;
    return;
  }
  const onFailure = (said: string) => damaged(compression, said);
  try {
    yield* filterThrough(PROGRAMS[compression].command, whole, {environment: ENVIRONMENT, signal, onFailure});
  } catch (error) {
    throw hasErrno(error, 'ENOENT') && error.syscall?.startsWith('spawn') ? programMissing(compression) : error;
  }
}

const damaged = (compression: keyof typeof PROGRAMS, said: string): WinchError =>
  new WinchError('ARCHIVE_COMPRESSION_INVALID', `what is packed by ${compression} cannot be unpacked: ${said}`, {
    kind: 'refused',
    hint: 'it is damaged or cut off; write it anew',
  });

const programMissing = (compression: keyof typeof PROGRAMS): WinchError =>
  new WinchError('ARCHIVE_COMPRESSION_UNSUPPORTED', `${compression} is not installed, which unpacks what was given`, {
    kind: 'unsupported',
    hint: `install ${PROGRAMS[compression].package}, or unpack it first`,
  });
