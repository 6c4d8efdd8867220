import {read, writevSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import {promisify} from 'node:util';
import {hasErrno} from '../../errors.ts';
import {
  answerInitialize,
  encodeAttributesReply,
  encodeEntry,
  encodeOpened,
  encodeReply,
  encodeStatistics,
  FuseError,
  type FuseNode,
  FuseOperation,
  type FuseRequest,
  ROOT_NODE,
  readName,
  readRange,
  readRequest,
} from './fuse-messages.ts';

/** A file of a directory that a process serves; it never changes. */
export interface ServedFile {
  /** Bytes. */
  readonly size: number;
  /** Exactly these bytes, within the file; whatever it throws is an input/output error to who reads. */
  read(offset: number, length: number): Promise<Buffer>;
}

/** More than any message without content has. */
const MESSAGE_BYTES = 64 * 1024;
const POLL_MS = 1;
const EMPTY = Buffer.alloc(0);
const FIRST_FILE = 2n;

/**
 * Serves a directory of files, by number from `0` on, on an open `/dev/fuse`, until it is unmounted. Any number of reads
 * go on at once. Waits for the mount.
 *
 * @see https://docs.kernel.org/filesystems/fuse/fuse.html
 */
export async function serveFiles(device: number, files: readonly ServedFile[]): Promise<void> {
  for (;;) {
    const bytes = await nextMessage(device);
    if (bytes === null) return;
    const request = readRequest(bytes);
    if (request === null) continue;
    if (request.operation === FuseOperation.destroy) return;
    void answer(request, files).then((reply) => {
      if (reply !== null) send(device, request, reply);
    });
  }
}

/** Null: it is unmounted. */
async function nextMessage(device: number): Promise<Buffer | null> {
  const buffer = Buffer.allocUnsafeSlow(MESSAGE_BYTES);
  for (;;) {
    try {
      const {bytesRead} = await promisify(read)(device, buffer, 0, buffer.length, null);
      return buffer.subarray(0, bytesRead);
    } catch (error) {
      if (hasErrno(error, 'ENODEV')) return null;
      // Not mounted yet; or whoever asked does not want the answer any more.
      if (hasErrno(error, 'EPERM')) await sleep(POLL_MS);
      else if (!hasErrno(error, 'ENOENT', 'EINTR', 'EAGAIN')) throw error;
    }
  }
}

/** The body of a reply, or an errno(3); null: there is none. */
type Answer = Buffer | number | null;

async function answer({operation, node, body}: FuseRequest, files: readonly ServedFile[]): Promise<Answer> {
  switch (operation) {
    case FuseOperation.forget:
    case FuseOperation.forgetMany:
      return null;
    case FuseOperation.initialize:
      return answerInitialize(body) ?? FuseError.inputOutput;
    case FuseOperation.lookUp:
      return lookUp(readName(body), files);
    case FuseOperation.getAttributes: {
      const found = findNode(node, files);
      return found ? encodeAttributesReply(found) : FuseError.notFound;
    }
    case FuseOperation.open:
      return encodeOpened();
    case FuseOperation.read:
      return await readFile(fileOf(node, files), body);
    case FuseOperation.statFileSystem:
      return encodeStatistics();
    case FuseOperation.release:
    case FuseOperation.flush:
      return EMPTY;
    default:
      // Once told so, the kernel asks no more; nor does it send interrupts, which only ask for less.
      return FuseError.unsupported;
  }
}

function lookUp(name: string, files: readonly ServedFile[]): Answer {
  const number = /^(?:0|[1-9]\d{0,5})$/.test(name) ? Number(name) : -1;
  const found = findNode(FIRST_FILE + BigInt(number), files);
  return number >= 0 && found ? encodeEntry(found) : FuseError.notFound;
}

function findNode(node: bigint, files: readonly ServedFile[]): FuseNode | null {
  if (node === ROOT_NODE) return {node, size: null};
  const file = fileOf(node, files);
  return file ? {node, size: file.size} : null;
}

const fileOf = (node: bigint, files: readonly ServedFile[]): ServedFile | undefined => files[Number(node - FIRST_FILE)];

async function readFile(file: ServedFile | undefined, body: Buffer): Promise<Answer> {
  if (!file) return FuseError.notFound;
  const {offset, length} = readRange(body);
  if (offset >= file.size) return EMPTY;
  try {
    return await file.read(offset, Math.min(length, file.size - offset));
  } catch {
    return FuseError.inputOutput;
  }
}

/** It takes no longer than a copy of the reply. Whoever asked may be gone, and the mount as well. */
function send(device: number, {id}: FuseRequest, reply: Buffer | number): void {
  const isError = typeof reply === 'number';
  const head = encodeReply(id, isError ? reply : 0, isError ? 0 : reply.length);
  try {
    writevSync(device, isError || reply.length === 0 ? [head] : [head, reply]);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT', 'ENODEV', 'EINTR', 'EPERM', 'ENOTCONN', 'ECONNABORTED')) throw error;
  }
}
