import {execFileSync} from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import type {Finding} from '../../../src/images/check/check.ts';
import {findStoreProblems} from '../../helpers/store-problems.ts';
import {describe} from '../../helpers/suite.ts';
import {type DamagedStore, flipBit, openDamagedStore} from './damaged-store.ts';

const HEAD_BYTES = 4096;
const SEED = 20_260_101;
const FLIPS = 3;
const ROOT = process.getuid?.() === 0;

interface Part {
  readonly file: keyof DamagedStore['paths'] & ('blob' | 'plain' | 'manifest' | 'config' | 'index' | 'layer');
  /** Bytes of the file that are flipped: from, to. */
  range(store: DamagedStore): readonly [number, number];
  readonly code: string;
  /** Whether only a deep check sees a flipped bit. */
  readonly needsDeep: boolean;
}

const whole = (file: Part['file']) => (store: DamagedStore) => [0, statSync(store.paths[file]).size] as const;
const tarEnd = ({tarBytes}: DamagedStore) => HEAD_BYTES + tarBytes;

const PARTS: Readonly<Record<string, Part>> = {
  'layer blob': {file: 'blob', range: whole('blob'), code: 'BLOB_CONTENT', needsDeep: true},
  'uncompressed layer blob': {file: 'plain', range: whole('plain'), code: 'BLOB_CONTENT', needsDeep: true},
  manifest: {file: 'manifest', range: whole('manifest'), code: 'BLOB_CONTENT', needsDeep: false},
  config: {file: 'config', range: whole('config'), code: 'BLOB_CONTENT', needsDeep: false},
  index: {file: 'index', range: whole('index'), code: 'BLOB_CONTENT', needsDeep: false},
  'layer file head': {file: 'layer', range: () => [0, HEAD_BYTES], code: 'LAYER_HEAD', needsDeep: false},
  'layer file tar': {file: 'layer', range: (store) => [HEAD_BYTES, tarEnd(store)], code: 'LAYER_TAR', needsDeep: true},
  'layer file index': {
    file: 'layer',
    range: (store) => [tarEnd(store), statSync(store.paths.layer).size],
    code: 'LAYER_INDEX',
    needsDeep: true,
  },
};

/** Ways to hurt a whole file, and what each is called. */
const HARMS: Readonly<Record<string, readonly [suffix: string, harm: (path: string) => void]>> = {
  missing: ['MISSING', (path) => rmSync(path)],
  'a byte short': ['SIZE', (path) => truncateSync(path, statSync(path).size - 1)],
  empty: ['SIZE', (path) => truncateSync(path, 0)],
  'a byte long': ['SIZE', (path) => writeFileSync(path, '.', {flag: 'a'})],
  'a directory': ['TYPE', (path) => mkdirSync(emptied(path))],
  'a link to a copy': ['TYPE', (path) => symlinkSync(movedAway(path), path)],
  'a link to nothing': ['TYPE', (path) => symlinkSync('/nowhere', emptied(path))],
  'a pipe': ['TYPE', (path) => execFileSync('mkfifo', [emptied(path)])],
  'a hard link to another file': ['SIZE', (path) => linkSync(otherFile(path), emptied(path))],
  'closed to everybody': ['MODE', (path) => chmodSync(path, 0)],
  'open to everybody': ['MODE', (path) => chmodSync(path, 0o777)],
  ...(ROOT && {
    'a device': ['TYPE', (path) => execFileSync('mknod', [emptied(path), 'c', '1', '5'])],
    "somebody else's": ['OWNER', (path) => chownSync(path, 4242, 4242)],
  }),
};

function emptied(path: string): string {
  rmSync(path);
  return path;
}

function movedAway(path: string): string {
  const elsewhere = `${path}-elsewhere`.replace('/store/', '/');
  mkdirSync(join(elsewhere, '..'), {recursive: true});
  renameSync(path, elsewhere);
  return elsewhere;
}

function otherFile(path: string): string {
  const other = `${path}-other`.replace('/store/', '/');
  mkdirSync(join(other, '..'), {recursive: true});
  writeFileSync(other, 'bytes of somebody else', {mode: 0o600});
  return other;
}

const damagesIn = (findings: readonly Finding[]) => findings.filter(({isDamage}) => isDamage);

/** Every file of the store that holds content, with its mode, owner and bytes. */
function readContent(root: string) {
  const files = ['blobs', 'layers'].flatMap((place) =>
    readdirSync(join(root, place), {recursive: true, encoding: 'utf8'}).map((name) => join(root, place, name)),
  );
  return files.toSorted().map((path) => {
    const {mode, uid, nlink} = lstatSync(path);
    const bytes = lstatSync(path).isFile() ? readFileSync(path).toString('latin1') : '';
    return {path, mode, uid, links: bytes === '' ? 0 : nlink, bytes};
  });
}

/** Numbers below a limit, the same in every run. */
function createRandom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

async function expectRepair(store: DamagedStore, original: ReturnType<typeof readContent>, label: string) {
  const {isClean, repairs} = await store.images.check({deep: true, repair: true});
  assert.ok(isClean, label);
  assert.equal(new Set(repairs.map(({outcome}) => outcome)), new Set(['repaired']), label);
  assert.equal(readContent(store.root), original, label);
  assert.equal(damagesIn((await store.images.check({deep: true})).findings), [], label);
  assert.equal(findStoreProblems(store.root), [], label);
}

describe('images/check/damage', ({test}) => {
  for (const [name, {file, range, code, needsDeep}] of Object.entries(PARTS)) {
    test(`one flipped bit anywhere in a ${name} is found${needsDeep ? ' by a deep check' : ''}, named, and repaired`, async () => {
      await using store = await openDamagedStore();
      const original = readContent(store.root);
      const random = createRandom(SEED);
      const path = store.paths[file];
      for (let flip = 0; flip < FLIPS; flip++) {
        const [from, to] = range(store);
        const [offset, bit] = [from + random(to - from), random(8)];
        const label = `bit ${bit} of byte ${offset}`;
        flipBit(path, offset, bit);
        const daily = damagesIn((await store.images.check()).findings);
        assert.is(daily.length === 0, needsDeep, label);
        const [damage, ...more] = damagesIn((await store.images.check({deep: true})).findings);
        assert.equal([damage?.code, damage?.path, more], [code, path.slice(store.root.length + 1), []], label);
        assert.ok(damage?.images[0]?.references.includes(store.reference), label);
        await expectRepair(store, original, label);
      }
    });
  }

  for (const file of ['blob', 'plain', 'manifest', 'config', 'index', 'layer'] as const) {
    test(`whatever happens to a whole file (${file}) is found every day, named, and repaired`, async () => {
      await using store = await openDamagedStore();
      const original = readContent(store.root);
      const path = store.paths[file];
      const subject = file === 'layer' ? 'LAYER' : 'BLOB';
      for (const [how, [suffix, harm]] of Object.entries(HARMS)) {
        harm(path);
        const damages = damagesIn((await store.images.check()).findings);
        // Of an index the database does not say how long it is, and of what is too short to be read only that.
        const isUnsized = file === 'index' && suffix === 'SIZE';
        const expected = `${subject}_${isUnsized ? 'CONTENT' : suffix}`;
        assert.equal([how, ...damages.map(({code}) => code)], [how, expected]);
        assert.ok(damages[0]?.images[0]?.references.includes(store.reference), how);
        await expectRepair(store, original, how);
      }
    });
  }

  test('what a link in the place of a file leads to is left alone', async () => {
    await using store = await openDamagedStore();
    const target = movedAway(store.paths.config);
    chmodSync(target, 0o644);
    symlinkSync(target, store.paths.config);
    await store.images.check({repair: true});
    assert.is(statSync(target).mode & 0o777, 0o644);
    assert.ok(existsSync(target));
  });

  test('a file in the place of the directory of a layer is found, and the layer written again', async () => {
    await using store = await openDamagedStore();
    const original = readContent(store.root);
    const directory = join(store.paths.layer, '..');
    rmSync(directory, {recursive: true});
    writeFileSync(directory, 'in the way');
    const codes = damagesIn((await store.images.check()).findings).map(({code}) => code);
    assert.equal(codes, ['LAYER_MISSING']);
    await expectRepair(store, original, 'a file');
  });
});
