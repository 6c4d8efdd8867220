import {setTimeout as sleep} from 'node:timers/promises';
import {type ServedFile, serveFiles} from '../../../src/host/fuse/serve-files.ts';

const DEVICE = 3;
const LARGE_BYTES = Number(process.argv[2]);
const SLOW_MS = 300;

const fileOf = (bytes: Buffer): ServedFile => ({
  size: bytes.length,
  read: async (offset, length) => bytes.subarray(offset, offset + length),
});
const late = fileOf(Buffer.from('late'));

/** A small file, a large one, one that cannot be read, and one that takes a while. */
await serveFiles(DEVICE, [
  fileOf(Buffer.from('a small file')),
  fileOf(Buffer.from(Uint8Array.from({length: LARGE_BYTES}, (_, index) => index % 251))),
  {size: 100, read: () => Promise.reject(new Error('never'))},
  {
    ...late,
    read: async (offset, length) => {
      await sleep(SLOW_MS);
      return late.read(offset, length);
    },
  },
]);
