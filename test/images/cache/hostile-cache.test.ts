import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {zstdCompressSync} from 'node:zlib';
import * as assert from 'uvu/assert';
import type {RestoredCache} from '../../../src/images/cache/restore-cache.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {findStoreProblems} from '../../helpers/store-problems.ts';
import {describe} from '../../helpers/suite.ts';
import {appTar, baseTar, imageOf, otherTar} from '../sample-images.ts';
import {type CacheLab, openCacheLab} from './cache-lab.ts';

const app = imageOf([baseTar, appTar]);
const other = imageOf([baseTar, otherTar]);
const IMAGES = {'team/app:1': app, 'team/other:1': other};
const [, appLayer = ''] = app.diffIds;
const [, otherLayer = ''] = other.diffIds;

const flip = (path: string) => {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  writeFileSync(path, bytes);
};

/** What may have become of the file of a layer. */
const DAMAGES: Readonly<Record<string, (path: string, lab: CacheLab) => void>> = {
  'has a flipped bit': flip,
  'was cut off': (path) => truncateSync(path, readFileSync(path).length - 7),
  'is empty': (path) => truncateSync(path, 0),
  'is gone': (path) => rmSync(path),
  'has another layer': (path, lab) => copyFileSync(lab.path('layers', otherLayer), path),
  'is a layer file with an index of its own': (path, {from}) =>
    copyFileSync(join(from.root, 'layers', appLayer.replace(':', '/'), 'layer.erofs'), path),
  'unpacks to more than was said': (path) => writeFileSync(path, zstdCompressSync(Buffer.alloc(64 * 2 ** 20))),
  'is followed by a terabyte of nothing': (path) => truncateSync(path, 2 ** 40),
  'is a link to a file elsewhere': (path) => {
    renameSync(path, `${path}.elsewhere`);
    symlinkSync(`${path}.elsewhere`, path);
  },
};

type Entry = Record<string, unknown> & {readonly annotations: Record<string, string>};
const withAnnotation = (name: string, value: string) => (entry: Record<string, unknown>) => ({
  ...entry,
  annotations: {...(entry as Entry).annotations, [name]: value},
});
const NAME = 'org.opencontainers.image.ref.name';

/** Caches that nothing is taken from, with the code of the refusal. */
const LIES: Readonly<Record<string, readonly [code: string, lie: (lab: CacheLab) => void]>> = {
  'has a changed manifest': ['DIGEST_MISMATCH', (lab) => flip(lab.path('blobs', app.manifest.digest))],
  'has a changed config': ['DIGEST_MISMATCH', (lab) => flip(lab.path('blobs', app.config.digest))],
  'lacks a manifest': ['BLOB_UNKNOWN', (lab) => rmSync(lab.path('blobs', app.manifest.digest))],
  'has a path for a digest': ['DIGEST_INVALID', (lab) => lab.rewriteEntry((one) => ({...one, digest: '../../x'}))],
  'has a path for a name': ['CACHE_INVALID', (lab) => lab.rewriteEntry(withAnnotation(NAME, '../../etc:1'))],
  'has one name twice': ['CACHE_INVALID', (lab) => lab.rewriteEntry(withAnnotation(NAME, 'team/app:1'))],
  'says no sizes': ['CACHE_INVALID', (lab) => lab.rewriteEntry(withAnnotation('winch.layer-bytes', ''))],
  'says no numbers for sizes': [
    'CACHE_INVALID',
    (lab) => lab.rewriteEntry(withAnnotation('winch.layer-bytes', '1 -2')),
  ],
  'says sizes for which no disk is large enough': [
    'STORE_FULL',
    (lab) => lab.rewriteEntry(withAnnotation('winch.layer-bytes', '900000000000000 1')),
  ],
  'lists what is no image': ['CACHE_INVALID', (lab) => lab.rewriteEntry((one) => ({...one, mediaType: 'text/plain'}))],
  'has a huge list': ['LIMIT_FILE', (lab) => truncateSync(join(lab.directory, 'index.json'), 2 ** 40)],
  'has a link for a list': [
    'FILE_UNUSABLE',
    ({directory}) => {
      renameSync(join(directory, 'index.json'), join(directory, 'elsewhere'));
      symlinkSync('elsewhere', join(directory, 'index.json'));
    },
  ],
};

const storedFiles = (root: string): readonly string[] =>
  existsSync(root)
    ? readdirSync(root, {recursive: true, withFileTypes: true}).flatMap((entry) =>
        entry.isFile() && /\/(?:blobs|layers|ingest)\b/.test(entry.parentPath) ? [entry.name] : [],
      )
    : [];

describe('images/cache/hostile', ({test}) => {
  for (const [what, damage] of Object.entries(DAMAGES)) {
    test(`leaves out the image of a layer that ${what}, and restores the others`, async () => {
      await using lab = await openCacheLab(IMAGES);
      const path = lab.path('layers', appLayer);
      damage(path, lab);
      const {result, warnings} = await lab.restore();
      const {images, damagedLayers, restoredLayers} = result as RestoredCache;
      assert.equal(
        images.map(({reference, outcome}) => [reference, outcome]),
        [
          ['team/app:1', 'damaged'],
          ['team/other:1', 'restored'],
        ],
      );
      assert.equal([damagedLayers, restoredLayers], [[appLayer], 2]);
      assert.equal(warnings, ['CACHE_DAMAGED', 'CACHE_DAMAGED']);
      assert.equal(findStoreProblems(lab.to.root), []);
      assert.equal(readdirSync(join(lab.to.root, 'ingest')), []);
      const saved = await lab.from.toolkit.images.saveCache({directory: lab.directory, names: []});
      assert.is(saved.writtenLayers, 1);
      assert.equal(((await lab.restore()).result as RestoredCache).restoredLayers, 1);
      assert.equal(findStoreProblems(lab.to.root), []);
    });
  }

  for (const [what, [code, lie]] of Object.entries(LIES)) {
    test(`takes nothing from a cache that ${what}`, async () => {
      await using lab = await openCacheLab(IMAGES);
      lie(lab);
      assert.is((await rejectionOf(lab.restore())).code, code);
      assert.equal(await lab.to.toolkit.images.list(), []);
      assert.equal(storedFiles(lab.to.root), []);
    });
  }

  test('removes nothing through a link when it saves', async () => {
    await using lab = await openCacheLab(IMAGES);
    const [inside, outside] = [join(lab.directory, 'layers', 'sha256'), join(lab.from.root, 'outside')];
    renameSync(inside, outside);
    symlinkSync(outside, inside);
    const before = readdirSync(outside);
    await lab.from.toolkit.images.saveCache({directory: lab.directory, names: ['team/other:1']});
    assert.equal(readdirSync(outside), before);
  });
});
