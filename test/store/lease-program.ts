import {existsSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import {openStore} from '../../src/store/store.ts';
import {digestFor} from './sample-graph.ts';

/**
 * A process of its own: `hold ROOT NAME…` claims the digests of names until it is killed; `use ROOT ROUNDS NAME…` stores
 * what it claims where it is not there, counts on it for a while, and exits with 1 when it has vanished meanwhile.
 */
const [verb, root = '', ...words] = process.argv.slice(2);
const store = openStore({root, durability: 'fast'});
if (verb === 'hold') await hold(words);
else for (let round = 0; round < Number(words[0]); round += 1) await use(words.slice(1));
store.close();

async function hold(names: readonly string[]): Promise<void> {
  using lease = await store.lease();
  await lease.claim(names.map(digestFor));
  process.stdout.write('claimed\n');
  await sleep(60_000);
}

async function use(names: readonly string[]): Promise<void> {
  const digests = names.map(digestFor);
  using lease = await store.lease();
  await lease.claim(digests);
  for (const [at, digest] of digests.entries()) {
    if (!existsSync(store.paths.blob(digest))) await store.blobs.put(digest, Buffer.from(names[at] ?? ''));
  }
  for (let look = 0; look < 5; look += 1) {
    await sleep(2);
    for (const digest of digests) {
      if (existsSync(store.paths.blob(digest))) continue;
      process.stdout.write(`${digest} was collected while it was claimed\n`);
      process.exitCode = 1;
    }
  }
}
