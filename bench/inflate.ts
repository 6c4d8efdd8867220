// node inflate.ts FILE: inflates a gzip file and drops the result.
import {createReadStream} from 'node:fs';
import {Writable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import {createGunzip} from 'node:zlib';

/** Node's default of 16 KiB more than halves the speed. */
const CHUNK_BYTES = 1024 * 1024;

const drop = new Writable({highWaterMark: CHUNK_BYTES, write: (_chunk, _encoding, done) => done()});
const [file = ''] = process.argv.slice(2);
await pipeline(createReadStream(file, {highWaterMark: CHUNK_BYTES}), createGunzip({chunkSize: CHUNK_BYTES}), drop);
