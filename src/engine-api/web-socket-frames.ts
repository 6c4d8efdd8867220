import {WinchError} from '../errors.ts';

/** RFC 6455 §5.2 */
const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
const FINAL = 0x80;
const RESERVED = 0x70;
const MASKED = 0x80;
const SHORT_LENGTH = 126;
const LONG_LENGTH = 127;
const LARGEST_SHORT = 0xffff;
const LARGEST_CONTROL_BYTES = 125;
const MASK_BYTES = 4;

/** A message of a server. */
export const dataFrame = (bytes: Uint8Array): Buffer => frame(BINARY, bytes);

/** Says that a server will say no more. @param code RFC 6455 §7.4 */
export function closeFrame(code: number): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return frame(CLOSE, payload);
}

/**
 * Reads what a client says, of messages of any size no more at once than has come; answers what is to be answered.
 *
 * @throws {WinchError} `WEB_SOCKET_INVALID`
 */
export async function* readFrames(
  source: AsyncIterable<Uint8Array>,
  answer: (frame: Buffer) => void,
): AsyncGenerator<Buffer, void, void> {
  await using bytes = createTaker(source);
  for (;;) {
    const head = await readHead(bytes);
    if (head === null) return;
    const {opcode, length, mask} = head;
    if (opcode === CONTINUATION || opcode === TEXT || opcode === BINARY) {
      for (let at = 0; at < length; ) {
        const piece = await bytes.takeSome(length - at);
        if (piece === null) return;
        yield unmask(piece, mask, at);
        at += piece.length;
      }
      continue;
    }
    const payload = await bytes.take(length);
    if (payload === null) return;
    if (opcode === PING) answer(frame(PONG, unmask(payload, mask, 0)));
    if (opcode === CLOSE) return answer(frame(CLOSE, unmask(payload, mask, 0).subarray(0, 2)));
  }
}

interface FrameHead {
  readonly opcode: number;
  readonly length: number;
  readonly mask: Buffer;
}

/** Null: it has said all. */
async function readHead(bytes: Taker): Promise<FrameHead | null> {
  const start = await bytes.take(2);
  if (start === null) return null;
  const [first = 0, second = 0] = start;
  const opcode = first & ~(FINAL | RESERVED);
  const isControl = opcode >= CLOSE;
  const short = second & ~MASKED;
  if ((first & RESERVED) !== 0 || (second & MASKED) === 0) throw invalid();
  if (isControl && (short > LARGEST_CONTROL_BYTES || (first & FINAL) === 0 || opcode > PONG)) throw invalid();
  if (!isControl && opcode > BINARY) throw invalid();
  const length = await readLength(bytes, short);
  const mask = await bytes.take(MASK_BYTES);
  return length === null || mask === null ? null : {opcode, length, mask};
}

async function readLength(bytes: Taker, short: number): Promise<number | null> {
  if (short < SHORT_LENGTH) return short;
  if (short === SHORT_LENGTH) return (await bytes.take(2))?.readUInt16BE() ?? null;
  const length = (await bytes.take(8))?.readBigUInt64BE() ?? null;
  if (length !== null && length > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid();
  return length === null ? null : Number(length);
}

function frame(opcode: number, payload: Uint8Array): Buffer {
  const {length} = payload;
  const head = Buffer.alloc(length < SHORT_LENGTH ? 2 : length <= LARGEST_SHORT ? 4 : 10);
  head.writeUInt8(FINAL | opcode, 0);
  head.writeUInt8(length < SHORT_LENGTH ? length : length <= LARGEST_SHORT ? SHORT_LENGTH : LONG_LENGTH, 1);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}

/** @param at Where in its frame the piece begins. */
const unmask = (piece: Buffer, mask: Buffer, at: number): Buffer =>
  Buffer.from(piece.map((byte, index) => byte ^ (mask[(at + index) % MASK_BYTES] ?? 0)));

interface Taker extends AsyncDisposable {
  /** Null: there is no more. */
  take(length: number): Promise<Buffer | null>;
  /** One byte at least, and no more than that. */
  takeSome(most: number): Promise<Buffer | null>;
}

function createTaker(source: AsyncIterable<Uint8Array>): Taker {
  const iterator = source[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  const isFilled = async (length: number): Promise<boolean> => {
    while (rest.length < length) {
      const {done, value} = await iterator.next();
      if (done) return false;
      rest = Buffer.concat([rest, value]);
    }
    return true;
  };
  const cut = (length: number): Buffer => {
    const piece = rest.subarray(0, length);
    rest = rest.subarray(length);
    return piece;
  };
  return {
    take: async (length) => ((await isFilled(length)) ? cut(length) : null),
    takeSome: async (most) => ((await isFilled(1)) ? cut(Math.min(most, rest.length)) : null),
    [Symbol.asyncDispose]: async () => void (await iterator.return?.()),
  };
}

const invalid = (): WinchError =>
  new WinchError('WEB_SOCKET_INVALID', 'the client does not speak as RFC 6455 has it', {kind: 'invalid'});
