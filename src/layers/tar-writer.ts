import {TAR_BLOCK_BYTES} from './tar-header.ts';

/** A regular file of a new tar. */
export interface TarFile {
  readonly path: string;
  readonly size: number;
  /** Exactly `size` bytes. */
  readonly content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

const NAME_BYTES = 100;
/** What eleven octal digits hold. */
const OCTAL_SIZE_LIMIT = 8 ** 11;
const FILE_MODE = 0o644;
const CHECKSUM = Object.freeze({start: 148, end: 156});

/**
 * The bytes of a tar of these files. Equal files give equal bytes: owner, mode and time are fixed. A file is opened when
 * its turn comes.
 *
 * @see IEEE Std 1003.1 pax#pax_archive_format
 */
export async function* writeTar(files: Iterable<TarFile>): AsyncGenerator<Uint8Array> {
  for (const file of files) {
    yield fileHeader(file);
    let written = 0;
    for await (const piece of file.content) {
      written += piece.length;
      yield piece;
    }
    if (written !== file.size) throw new Error(`${file.path} has ${written} bytes instead of ${file.size}`);
    yield padding(written);
  }
  yield Buffer.alloc(2 * TAR_BLOCK_BYTES);
}

function fileHeader({path, size}: TarFile): Buffer {
  const records = [
    ...(Buffer.byteLength(path) > NAME_BYTES ? [paxRecord('path', path)] : []),
    ...(size >= OCTAL_SIZE_LIMIT ? [paxRecord('size', String(size))] : []),
  ];
  const plain = ustarHeader({path, size: size < OCTAL_SIZE_LIMIT ? size : 0, flag: '0'});
  if (records.length === 0) return plain;
  const extension = Buffer.concat(records);
  const header = ustarHeader({path: 'PaxHeaders/file', size: extension.length, flag: 'x'});
  return Buffer.concat([header, extension, padding(extension.length), plain]);
}

/** `length key=value\n`, its length counting itself. */
function paxRecord(key: string, value: string): Buffer {
  const body = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(body) + 1;
  while (String(length).length + Buffer.byteLength(body) !== length) {
    length = String(length).length + Buffer.byteLength(body);
  }
  return Buffer.from(`${length}${body}`);
}

interface UstarFields {
  readonly path: string;
  readonly size: number;
  readonly flag: '0' | 'x';
}

function ustarHeader({path, size, flag}: UstarFields): Buffer {
  const header = Buffer.alloc(TAR_BLOCK_BYTES);
  Buffer.from(path).copy(header, 0, 0, NAME_BYTES);
  header.write(octal(FILE_MODE, 7), 100, 'latin1');
  header.write(octal(0, 7), 108, 'latin1');
  header.write(octal(0, 7), 116, 'latin1');
  header.write(octal(size, 11), 124, 'latin1');
  header.write(octal(0, 11), 136, 'latin1');
  header.write(flag, 156, 'latin1');
  header.write('ustar\u000000', 257, 'latin1');
  header.fill(' ', CHECKSUM.start, CHECKSUM.end);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)}\0 `, CHECKSUM.start, 'latin1');
  return header;
}

const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0');

const padding = (bytes: number): Buffer =>
  Buffer.alloc((TAR_BLOCK_BYTES - (bytes % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES);
