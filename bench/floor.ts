// node floor.ts HOST REPOSITORY DIGEST…: downloads blobs, hashes them, inflates them, hashes that, and keeps nothing.
import {createHash, type Hash} from 'node:crypto';
import {get, type IncomingMessage} from 'node:http';
import {Writable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import {createGunzip} from 'node:zlib';

/** Node's defaults of 16 and 64 KiB more than halve the speed. */
const CHUNK_BYTES = 1024 * 1024;
const AT_ONCE = 3;

const [host = '', repository = '', ...digests] = process.argv.slice(2);
const left = [...digests];

async function fetchUntilDone(): Promise<void> {
  for (let digest = left.shift(); digest !== undefined; digest = left.shift()) await fetchLayer(digest);
}

async function fetchLayer(digest: string): Promise<void> {
  const compressed = createHash('sha256');
  const reply = await ask(`http://${host}/v2/${repository}/blobs/${digest}`);
  reply.on('data', (chunk: Buffer) => compressed.update(chunk));
  await pipeline(reply, createGunzip({chunkSize: CHUNK_BYTES}), hashInto(createHash('sha256')));
  if (`sha256:${compressed.digest('hex')}` !== digest) throw new Error(`${digest} has other bytes`);
}

const ask = (url: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    get(url, (reply) => {
      if (reply.statusCode === 200) resolve(reply);
      else reject(new Error(`${url}: ${reply.statusCode}`));
    }).on('error', reject);
  });

const hashInto = (hash: Hash): Writable =>
  new Writable({
    highWaterMark: CHUNK_BYTES,
    write: (chunk: Buffer, _encoding, done) => {
      hash.update(chunk);
      done();
    },
  });

await Promise.all(Array.from({length: AT_ONCE}, fetchUntilDone));
