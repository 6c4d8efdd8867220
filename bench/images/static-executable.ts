import {readFile} from 'node:fs/promises';
import {helloExecutable} from '../../fixtures/hello-world.ts';

export interface StaticExecutable {
  readonly bytes: Buffer;
  /** In OCI's words. */
  readonly architecture: 'amd64' | 'arm64';
}

const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'] as const;
/** `PT_INTERP` (System V ABI, chapter 5): what it loads, images of this bench do not have. */
const INTERPRETER_SEGMENT = 3;

/** What images run: busybox when a static one is installed, else a program of a few bytes that exits with 0. */
export async function staticExecutable(): Promise<StaticExecutable> {
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
  for (const path of BUSYBOX) {
    const bytes = await readFile(path).catch(() => null);
    if (bytes !== null && isStatic(bytes)) return {bytes, architecture};
  }
  return {bytes: helloExecutable(architecture), architecture};
}

/** Whether no program header of this little-endian ELF64 file asks for an interpreter. */
export function isStatic(bytes: Buffer): boolean {
  if (bytes.length < 64 || bytes.readUInt32BE(0) !== 0x7f45_4c46) return false;
  const start = Number(bytes.readBigUInt64LE(32));
  const [size, count] = [bytes.readUInt16LE(54), bytes.readUInt16LE(56)];
  return !Array.from({length: count}, (_, index) => bytes.readUInt32LE(start + index * size)).includes(
    INTERPRETER_SEGMENT,
  );
}
