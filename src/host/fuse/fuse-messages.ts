/**
 * The messages of the kernel's FUSE protocol that a directory of files needs (include/uapi/linux/fuse.h, version 7.31 of
 * Linux 5.4 and what came later, which is compatible).
 */
export const FuseOperation = Object.freeze({
  lookUp: 1,
  forget: 2,
  getAttributes: 3,
  open: 14,
  read: 15,
  statFileSystem: 17,
  release: 18,
  flush: 25,
  initialize: 26,
  openDirectory: 27,
  readDirectory: 28,
  releaseDirectory: 29,
  interrupt: 36,
  destroy: 38,
  forgetMany: 42,
});

/** Negative in a reply (errno(3)). */
export const FuseError = Object.freeze({notFound: 2, inputOutput: 5, unsupported: 38});

export interface FuseRequest {
  readonly operation: number;
  /** Of the kernel, as it came. */
  readonly id: bigint;
  readonly node: bigint;
  readonly body: Buffer;
}

/** Number of the root directory. */
export const ROOT_NODE = 1n;

const REQUEST_BYTES = 40;
const REPLY_BYTES = 16;
const INITIAL_REPLY_BYTES = 64;
const VERSION = 7;
const LEAST_MINOR = 31;
const ASYNC_READ = 1 << 0;
const BIG_PAGES = 1 << 22;
/** What the kernel asks for at once where a reader goes on and on. */
const READ_AHEAD_BYTES = 1024 * 1024;
const READ_PAGES = READ_AHEAD_BYTES / 4096;
const MAX_WRITE_BYTES = 4096;
const MAX_BACKGROUND = 32;
const CONGESTED_AT = 24;
/** Nothing here ever changes. */
const FOREVER_SECONDS = 2n ** 31n;
const KEEP_CACHE = 1 << 1;
const ENTRY_BYTES = 40;
const ATTRIBUTES_REPLY_BYTES = 16;
const ATTRIBUTES_BYTES = 88;
const DIRECTORY_MODE = 0o040500;
const FILE_MODE = 0o100400;
const BLOCK_BYTES = 4096;
const STATISTICS_BYTES = 80;

/** Null: it is cut off. */
export function readRequest(bytes: Buffer): FuseRequest | null {
  if (bytes.length < REQUEST_BYTES || bytes.readUInt32LE(0) !== bytes.length) return null;
  const [operation, id, node] = [bytes.readUInt32LE(4), bytes.readBigUInt64LE(8), bytes.readBigUInt64LE(16)];
  return {operation, id, node, body: bytes.subarray(REQUEST_BYTES)};
}

/** What comes before the body of a reply. @param error 0: none, else there is no body */
export function encodeReply(id: bigint, error: number, bodyBytes: number): Buffer {
  const head = Buffer.alloc(REPLY_BYTES);
  head.writeUInt32LE(REPLY_BYTES + bodyBytes, 0);
  head.writeInt32LE(-error, 4);
  head.writeBigUInt64LE(id, 8);
  return head;
}

/** The answer to the first message; null: the kernel speaks an older version. */
export function answerInitialize(body: Buffer): Buffer | null {
  if (body.readUInt32LE(0) !== VERSION || body.readUInt32LE(4) < LEAST_MINOR) return null;
  const reply = Buffer.alloc(INITIAL_REPLY_BYTES);
  reply.writeUInt32LE(VERSION, 0);
  reply.writeUInt32LE(LEAST_MINOR, 4);
  reply.writeUInt32LE(READ_AHEAD_BYTES, 8);
  reply.writeUInt32LE((body.readUInt32LE(12) & (ASYNC_READ | BIG_PAGES)) >>> 0, 12);
  reply.writeUInt16LE(MAX_BACKGROUND, 16);
  reply.writeUInt16LE(CONGESTED_AT, 18);
  reply.writeUInt32LE(MAX_WRITE_BYTES, 20);
  reply.writeUInt32LE(1, 24);
  reply.writeUInt16LE(READ_PAGES, 28);
  return reply;
}

/** A read-only file, or the directory of all: `size` null. */
export interface FuseNode {
  readonly node: bigint;
  /** Bytes. */
  readonly size: number | null;
}

export function encodeEntry(found: FuseNode): Buffer {
  const reply = Buffer.alloc(ENTRY_BYTES);
  reply.writeBigUInt64LE(found.node, 0);
  reply.writeBigUInt64LE(FOREVER_SECONDS, 16);
  reply.writeBigUInt64LE(FOREVER_SECONDS, 24);
  return Buffer.concat([reply, encodeAttributes(found)]);
}

export function encodeAttributesReply(found: FuseNode): Buffer {
  const reply = Buffer.alloc(ATTRIBUTES_REPLY_BYTES);
  reply.writeBigUInt64LE(FOREVER_SECONDS, 0);
  return Buffer.concat([reply, encodeAttributes(found)]);
}

function encodeAttributes({node, size}: FuseNode): Buffer {
  const attributes = Buffer.alloc(ATTRIBUTES_BYTES);
  attributes.writeBigUInt64LE(node, 0);
  attributes.writeBigUInt64LE(BigInt(size ?? 0), 8);
  attributes.writeBigUInt64LE(BigInt(Math.ceil((size ?? 0) / 512)), 16);
  attributes.writeUInt32LE(size === null ? DIRECTORY_MODE : FILE_MODE, 60);
  attributes.writeUInt32LE(1, 64);
  attributes.writeUInt32LE(BLOCK_BYTES, 80);
  return attributes;
}

/** Pages that were read stay read. */
export function encodeOpened(): Buffer {
  const reply = Buffer.alloc(REPLY_BYTES);
  reply.writeUInt32LE(KEEP_CACHE, 8);
  return reply;
}

export function encodeStatistics(): Buffer {
  const reply = Buffer.alloc(STATISTICS_BYTES);
  reply.writeUInt32LE(BLOCK_BYTES, 40);
  reply.writeUInt32LE(255, 44);
  reply.writeUInt32LE(BLOCK_BYTES, 48);
  return reply;
}

/** Which bytes are asked for. */
export const readRange = (body: Buffer): {readonly offset: number; readonly length: number} => ({
  offset: Number(body.readBigUInt64LE(8)),
  length: body.readUInt32LE(16),
});

/** The name that is looked up. */
export const readName = (body: Buffer): string => body.toString('latin1', 0, Math.max(0, body.indexOf(0)));
