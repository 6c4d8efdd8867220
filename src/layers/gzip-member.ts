import {layerRefusal} from './refusal.ts';

/** Of a member without a name, a comment or other fields, as programs write that pack layers (RFC 1952 §2.3). */
export const MEMBER_HEAD_BYTES = 10;
/** The checksum and the size of the content (RFC 1952 §2.3.1). */
const MEMBER_TAIL_BYTES = 8;
const SIZE_AT = 4;
const GZIP_SIGNATURE = 0x1f8b;
const DEFLATE = 8;

/** Whether a stream that starts with `head` is gzip whose deflated data begins behind {@link MEMBER_HEAD_BYTES}. */
export const isPlainMember = (head: Buffer): boolean =>
  head.length >= MEMBER_HEAD_BYTES && head.readUInt16BE(0) === GZIP_SIGNATURE && head[2] === DEFLATE && head[3] === 0;

/** The deflated data of a plain member, up to the chunk with its end at least; the input stays open. */
export async function* readMember(input: AsyncIterator<Buffer>, isOver: () => boolean): AsyncGenerator<Buffer> {
  let toSkip = MEMBER_HEAD_BYTES;
  while (!isOver()) {
    const {done, value} = await input.next();
    if (done) return;
    const rest = toSkip === 0 ? value : value.subarray(toSkip);
    toSkip = Math.max(0, toSkip - value.length);
    if (rest.length > 0) yield rest;
  }
}

export interface MemberEnd {
  /** What was read of the input behind the deflated data. */
  readonly unread: Buffer;
  /** That the content has. */
  readonly bytes: number;
}

/**
 * Checks the size that a member gives at its end.
 *
 * @returns the first bytes of the next member; none: it was the last one, and the input is at its end
 * @throws {WinchError} `LAYER_COMPRESSION_INVALID`: it has another size, is cut off, or other bytes follow it
 */
export async function endMember(input: AsyncIterator<Buffer>, {unread, bytes}: MemberEnd): Promise<Buffer> {
  const known = await readAtLeast(input, unread, MEMBER_TAIL_BYTES);
  if (known.length < MEMBER_TAIL_BYTES) throw damaged('unexpected end of file');
  if (known.readUInt32LE(SIZE_AT) !== bytes % 2 ** 32) throw damaged('incorrect length check');
  const rest = await readAtLeast(input, known.subarray(MEMBER_TAIL_BYTES), 2);
  if (rest.length >= 2 && rest.readUInt16BE(0) === GZIP_SIGNATURE) return rest;
  for await (const padding of followOn(rest, input)) if (padding.some((byte) => byte !== 0)) throw trailingBytes();
  return Buffer.alloc(0);
}

/** Fewer only where the input ends. */
async function readAtLeast(input: AsyncIterator<Buffer>, known: Buffer, bytes: number): Promise<Buffer> {
  let all = known;
  while (all.length < bytes) {
    const {done, value} = await input.next();
    if (done) break;
    all = Buffer.concat([all, value]);
  }
  return all;
}

/** These bytes, and then what is left of the input, which stays open. */
export async function* followOn(first: Buffer, input: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  for (let next = await input.next(); !next.done; next = await input.next()) yield next.value;
}

const damaged = (reason: string) =>
  layerRefusal('LAYER_COMPRESSION_INVALID', `the layer's compressed data is damaged: ${reason}`);

export const trailingBytes = () =>
  layerRefusal('LAYER_COMPRESSION_INVALID', 'the layer has other bytes behind the end of its compressed data');
