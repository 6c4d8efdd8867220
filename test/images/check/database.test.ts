import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {DatabaseSync} from 'node:sqlite';
import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';
import type {Toolkit} from '../../../src/toolkit.ts';
import {findStoreProblems} from '../../helpers/store-problems.ts';
import {describe} from '../../helpers/suite.ts';
import {type DamagedStore, openDamagedStore} from './damaged-store.ts';

const HOLDER = fileURLToPath(new URL('../../store/database-holder.ts', import.meta.url));
const PAGE_BYTES = 4096;
/** Every page of a database is damaged once, and most of them are repaired. */
const TIMEOUT_MS = 180_000;
const SEED = 20_260_102;
/** So that tags and their histories have interior pages. */
const TAGS = 40;

type Images = Toolkit['images'];

/** What a rebuild must not lose: images, tags, and how often these were moved. */
async function readState(images: Images) {
  const listed = await images.list();
  const histories = await Promise.all(
    listed.map(async ({reference}) => (reference ? (await images.tagHistory(reference)).length : null)),
  );
  return {tags: listed.map(({reference, imageId}) => [reference, imageId]), histories};
}

/** A store with many tags, its database at rest. */
async function openTaggedStore() {
  const store = await openDamagedStore({durability: 'fast'});
  for (let tag = 0; tag < TAGS; tag++) await store.images.tag(store.reference, `registry.example/team/app:${tag}`);
  await store.images.untag(['registry.example/team/app:0']);
  const state = await readState(store.images);
  await store.toolkit.close();
  const {database, below} = store.paths;
  const [bytes, index] = [readFileSync(database), readFileSync(below('index.json'))];
  const restore = (changed: Buffer = bytes) => {
    for (const name of readdirSync(store.root)) {
      if (name.startsWith('winch.db')) rmSync(below(name), {recursive: true});
    }
    writeFileSync(database, changed, {mode: 0o600});
    writeFileSync(below('index.json'), index);
  };
  return {store, state, bytes, restore};
}

function flipped(bytes: Buffer, offset: number, bit: number): Buffer {
  const changed = Buffer.from(bytes);
  changed.writeUInt8(changed.readUInt8(offset) ^ (1 << bit), offset);
  return changed;
}

/** Numbers below a limit, the same in every run. */
function createRandom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

const damagesIn = async (images: Images) => (await images.check()).findings.filter(({isDamage}) => isDamage);

/** Whether anybody can tell the damage, and the check is one who can. */
async function expectFoundOrHarmless(images: Images, state: unknown, label: string): Promise<boolean> {
  const damages = await damagesIn(images);
  if (damages.length > 0) return true;
  assert.equal(await readState(images), state, `${label}: not found, and not harmless`);
  return false;
}

async function expectRebuilt(store: DamagedStore, state: unknown, label: string) {
  await using toolkit = await store.openToolkit();
  const {isClean, repairs} = await toolkit.images.check({deep: true, repair: true});
  assert.ok(isClean, `${label}: ${repairs.map(({detail}) => detail).join()}`);
  assert.equal(await readState(toolkit.images), state, label);
  assert.equal(await damagesIn(toolkit.images), [], label);
  assert.equal(findStoreProblems(store.root), [], label);
}

describe('images/check/database', ({test}) => {
  const flipBits = async () => {
    const {store, state, bytes, restore} = await openTaggedStore();
    await using _store = store;
    const random = createRandom(SEED);
    let found = 0;
    for (let page = 0; page < bytes.length / PAGE_BYTES; page++) {
      const [offset, bit] = [page * PAGE_BYTES + random(PAGE_BYTES), random(8)];
      const label = `bit ${bit} of byte ${offset}`;
      restore(flipped(bytes, offset, bit));
      const toolkit = await store.openToolkit();
      const isFound = await expectFoundOrHarmless(toolkit.images, state, label);
      await toolkit.close();
      if (isFound) await expectRebuilt(store, state, label);
      found += Number(isFound);
    }
    assert.ok(found > 2, `${found} found`);
  };
  test(
    'one flipped bit in any page of the database is found or harmless, and nothing is lost by its repair',
    flipBits,
    {
      timeoutMs: TIMEOUT_MS,
    },
  );

  const KINDS: Readonly<Record<string, (bytes: Buffer) => number>> = {
    header: () => 3,
    'schema page': () => 100,
    'interior page': (bytes) => pageOf(bytes, 0x02),
    'leaf page': (bytes) => pageOf(bytes, 0x0a),
  };
  test('a damaged page of any kind is found without any query of it, and nothing is lost', async () => {
    const {store, state, bytes, restore} = await openTaggedStore();
    await using _store = store;
    for (const [kind, place] of Object.entries(KINDS)) {
      restore(flipped(bytes, place(bytes), 0));
      const toolkit = await store.openToolkit();
      const codes = (await damagesIn(toolkit.images)).map(({code}) => code);
      assert.equal([kind, ...new Set(codes)], [kind, 'DATABASE_DAMAGED']);
      await toolkit.close();
      await expectRebuilt(store, state, kind);
    }
  });

  test('a leaf page that is all zeros costs only what index.json does not tell', async () => {
    const {store, state, bytes, restore} = await openTaggedStore();
    await using _store = store;
    const at = pageOf(bytes, 0x0a);
    restore(Buffer.concat([bytes.subarray(0, at), Buffer.alloc(PAGE_BYTES), bytes.subarray(at + PAGE_BYTES)]));
    const toolkit = await store.openToolkit();
    const {isClean} = await toolkit.images.check({repair: true});
    assert.equal([isClean, (await readState(toolkit.images)).tags], [true, state.tags]);
    await toolkit.close();
  });

  test('sizes of an image that are not those of its layers are found, and added up anew', async () => {
    const {store, state} = await openTaggedStore();
    await using _store = store;
    for (const wrong of ['UPDATE image_size SET file_bytes = file_bytes + 1', 'DELETE FROM image_size']) {
      const database = new DatabaseSync(store.paths.database);
      database.exec(wrong);
      database.close();
      const toolkit = await store.openToolkit();
      const codes = new Set((await damagesIn(toolkit.images)).map(({code}) => code));
      assert.equal([...codes], ['DATABASE_ROWS'], wrong);
      await toolkit.close();
      await expectRebuilt(store, state, wrong);
    }
  });

  test('a write-ahead log that is gone or damaged leaves what was written before it', async () => {
    for (const harm of [
      (log: string) => rmSync(log),
      (log: string) => writeFileSync(log, flipped(readFileSync(log), 40, 0)),
    ]) {
      await using store = await openDamagedStore();
      const log = `${store.paths.database}-wal`;
      const saved = ['winch.db', 'winch.db-wal'].map((name) => [name, readFileSync(store.paths.below(name))] as const);
      assert.ok(existsSync(log));
      await store.toolkit.close();
      for (const [name, content] of saved) writeFileSync(store.paths.below(name), content, {mode: 0o600});
      harm(log);
      await using toolkit = await store.openToolkit();
      await toolkit.images.check({repair: true});
      assert.equal((await toolkit.images.check({deep: true})).isClean, true);
      assert.equal(findStoreProblems(store.root), []);
    }
  });

  test('nothing is rebuilt while another process has the damaged database open', async () => {
    const {store, bytes, restore} = await openTaggedStore();
    await using _store = store;
    restore(bytes);
    const holder = spawn(process.execPath, [HOLDER, store.paths.database], {stdio: ['ignore', 'pipe', 'ignore']});
    await once(holder.stdout, 'data');
    writeFileSync(store.paths.database, flipped(bytes, 100, 0), {flag: 'r+'});
    const toolkit = await store.openToolkit();
    const error = await toolkit.images.check({repair: true}).catch((caught) => caught);
    holder.kill('SIGKILL');
    assert.equal([error.code, error.message.includes(`pid ${holder.pid} `)], ['STORE_LOCKED', true]);
    await toolkit.close();
  });
});

/** The first page of a kind, behind the schema. */
function pageOf(bytes: Buffer, type: number): number {
  for (let at = PAGE_BYTES; at < bytes.length; at += PAGE_BYTES) if (bytes[at] === type) return at;
  throw new Error(`no page has the type ${type}`);
}
