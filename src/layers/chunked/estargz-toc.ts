import {promisify} from 'node:util';
import {gunzip} from 'node:zlib';
import {isWinchError} from '../../errors.ts';
import {decodeTarHeader, TAR_BLOCK_BYTES} from '../tar-header.ts';

export const ESTARGZ_FOOTER_BYTES = 51;
/** A gzip member without content whose extra field has the subfield SG of 22 bytes. */
const FOOTER_HEAD = Buffer.from('1f8b0804000000000000', 'hex');
const EXTRA = /^\x1a\0SG\x16\0([0-9a-f]{16})STARGZ$/;
const OPERATING_SYSTEM_AT = 9;
const EXTRA_END = 38;
const TOC_NAME = 'stargz.index.json';

/**
 * Where the table of contents begins by the last bytes of a blob; null for a blob that has none.
 *
 * @see stargz-snapshotter docs/estargz.md#footer
 */
export function findEstargzToc(footer: Buffer): number | null {
  const isMember = FOOTER_HEAD.equals(footer.subarray(0, FOOTER_HEAD.length).fill(0, OPERATING_SYSTEM_AT));
  const offset = EXTRA.exec(footer.toString('latin1', FOOTER_HEAD.length, EXTRA_END))?.[1];
  if (!isMember || offset === undefined) return null;
  const start = Number.parseInt(offset, 16);
  return Number.isSafeInteger(start) ? start : null;
}

/** What came of unpacking: `damaged` for what no tool packs so, `large` for more than the limit. */
export type Unpacked = Buffer | 'damaged' | 'large';

/** The document in the packed tar that holds it alone. */
export async function unpackEstargzToc(packed: Buffer, limitBytes: number): Promise<Unpacked> {
  const tar = await unpack(packed, limitBytes);
  if (typeof tar === 'string') return tar;
  const size = tar.length < TAR_BLOCK_BYTES ? null : sizeOf(tar);
  if (size === null || TAR_BLOCK_BYTES + size > tar.length) return 'damaged';
  return tar.subarray(TAR_BLOCK_BYTES, TAR_BLOCK_BYTES + size);
}

async function unpack(packed: Buffer, limitBytes: number): Promise<Unpacked> {
  try {
    return await promisify(gunzip)(packed, {maxOutputLength: limitBytes});
  } catch (error) {
    const isLarge = error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
    return isLarge ? 'large' : 'damaged';
  }
}

/** Of the document; null where the tar begins with something else. */
function sizeOf(tar: Buffer): number | null {
  try {
    const header = decodeTarHeader(tar, 0);
    return header?.path === TOC_NAME ? header.size : null;
  } catch (error) {
    if (isWinchError(error)) return null;
    throw error;
  }
}
