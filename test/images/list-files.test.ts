import {createHash} from 'node:crypto';
import {closeSync, openSync, writeSync} from 'node:fs';
import * as assert from 'uvu/assert';
import {buildIndex} from '../../fixtures/build-image.ts';
import {buildTar, type TarEntry} from '../../fixtures/build-tar.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import type {FilesOptions, ImageFile} from '../../src/images/list-files.ts';
import {openTestStore, type TestStore} from '../helpers/open-store.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {imageOf} from './sample-images.ts';

const AMD64 = {platform: 'linux/amd64'};
/** More than is read at once. */
const LARGE = 'large '.repeat(500_000);
const LOWER: readonly TarEntry[] = [
  {path: 'bin', type: 'symlink', linkPath: 'usr/bin'},
  {path: 'usr/bin/su', content: 'su', mode: 0o4755, uid: 3, gid: 4, mtime: 1_700_000_000.25},
  {path: 'usr/bin/switch', type: 'hardlink', linkPath: 'usr/bin/su'},
  {path: 'dev/sda', type: 'block', devMajor: 8, devMinor: 300},
  {path: 'run/pipe', type: 'fifo'},
  {path: 'etc/gone', content: 'x'},
  {path: 'etc/old.conf', content: 'old'},
  {path: Buffer.from('odd/\xff\x1b[2J\n', 'latin1'), content: ''},
];
const UPPER: readonly TarEntry[] = [
  {path: 'etc/.wh.gone'},
  {path: 'etc/old.conf', content: 'new one'},
  {path: 'etc/a.conf', content: 'a', mtime: 2 ** 60},
  {path: 'var/large', content: LARGE},
];

async function openImage() {
  const registry = await startRegistry();
  const store = await openTestStore();
  const built = imageOf([buildTar(LOWER), buildTar(UPPER)]);
  registry.put('app', '1', built);
  const name = `${registry.host}/app:1`;
  await store.toolkit.images.pull(name, AMD64);
  return {
    ...store,
    built,
    registry,
    name,
    list: (options?: FilesOptions) => filesOf(store, name, options),
    paths: async (options?: FilesOptions) => (await filesOf(store, name, options)).map(({path}) => path),
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await registry.close();
    },
  };
}

async function filesOf({toolkit}: Pick<TestStore, 'toolkit'>, name: string, options: FilesOptions = {}) {
  const files: ImageFile[] = [];
  for await (const file of toolkit.images.files(name, options)) files.push(file);
  return files;
}

/** Of a layer file; see `encodeErofsHead`. */
const UUID_AT = 1024 + 48;

function overwrite(path: string, at: number): void {
  const file = openSync(path, 'r+');
  writeSync(file, 'other', at);
  closeSync(file);
}

const ALL = [
  '/',
  '/bin',
  '/dev',
  '/dev/sda',
  '/etc',
  '/etc/a.conf',
  '/etc/old.conf',
  '/odd',
  '/odd/\ufffd\x1b[2J\n',
  '/run',
  '/run/pipe',
  '/usr',
  '/usr/bin',
  '/usr/bin/su',
  '/usr/bin/switch',
  '/var',
  '/var/large',
];

describe('images/list-files', ({test}) => {
  test('lists the merged files with the layer that brought each', async () => {
    await using image = await openImage();
    const files = await image.list();
    assert.equal(
      files.map(({path}) => path),
      ALL,
    );
    const byPath = new Map(files.map((file) => [file.path, file]));
    const plain = {linkTarget: null, hardLink: null, device: null, digest: null};
    assert.equal(byPath.get('/usr/bin/su'), {
      ...plain,
      ...{path: '/usr/bin/su', type: 'file', size: 2, mode: 0o4755, uid: 3, gid: 4, layer: 1},
      modified: '2023-11-14T22:13:20.250Z',
    });
    assert.is(byPath.get('/usr/bin/switch')?.hardLink, '/usr/bin/su');
    assert.is(byPath.get('/bin')?.linkTarget, 'usr/bin');
    assert.equal([byPath.get('/dev/sda')?.type, byPath.get('/dev/sda')?.device], ['block', '8:300']);
    assert.is(byPath.get('/run/pipe')?.type, 'fifo');
    assert.equal([byPath.get('/etc/old.conf')?.layer, byPath.get('/etc/old.conf')?.size], [2, 7]);
    assert.is(byPath.get('/etc/a.conf')?.modified, '2242-03-16T12:56:32.000Z');
  });

  test('lists a layer as it is, with what it removes', async () => {
    await using image = await openImage();
    const layer = await image.list({layer: '2'});
    assert.equal(
      layer.map(({path, type}) => `${path} ${type}`),
      [
        ...['/ directory', '/etc directory', '/etc/a.conf file', '/etc/gone whiteout', '/etc/old.conf file'],
        ...['/var directory', '/var/large file'],
      ],
    );
    const digest = image.built.layers[1]?.digest ?? '';
    for (const name of [digest, digest.slice(7, 15), image.built.diffIds[1] ?? '']) {
      assert.equal(await image.list({layer: name}), layer, name);
    }
    for (const name of ['0', '3', '999', 'abc', 'sha256:', 'ffffffffff', '']) {
      assert.is((await rejectionOf(image.list({layer: name}))).code, 'LAYER_UNKNOWN', name);
    }
  });

  test('lists a file, a directory with what is below it, or what a pattern names', async () => {
    await using image = await openImage();
    assert.equal(await image.paths({path: '/etc'}), ['/etc', '/etc/a.conf', '/etc/old.conf']);
    assert.equal(await image.paths({path: 'etc/a.conf'}), ['/etc/a.conf']);
    assert.equal(await image.paths({path: '/bin'}), ['/bin']);
    assert.equal(await image.paths({path: '/bin/su'}), ['/usr/bin/su']);
    assert.equal(await image.paths({path: '/'}), ALL);
    assert.equal(await image.paths({path: '*.conf'}), ['/etc/a.conf', '/etc/old.conf']);
    assert.equal(await image.paths({path: '/usr/**'}), ['/usr/bin', '/usr/bin/su', '/usr/bin/switch']);
    assert.equal(await image.paths({path: '*.none'}), []);
    assert.is((await rejectionOf(image.list({path: '/etc/gone'}))).code, 'PATH_UNKNOWN');
  });

  test('hashes content on demand', async () => {
    await using image = await openImage();
    const digests = (await image.list({hasDigests: true})).flatMap(({path, digest}) =>
      digest ? [[path, digest]] : [],
    );
    const hashOf = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;
    assert.equal(digests, [
      ['/etc/a.conf', hashOf('a')],
      ['/etc/old.conf', hashOf('new one')],
      ['/odd/\ufffd\x1b[2J\n', hashOf('')],
      ['/usr/bin/su', hashOf('su')],
      ['/usr/bin/switch', hashOf('su')],
      ['/var/large', hashOf(LARGE)],
    ]);
  });

  test('unpacks a layer that is only downloaded first', async () => {
    await using image = await openImage();
    const foreign = imageOf([buildTar([{path: 'srv/app'}])], {platform: {os: 'linux', architecture: 's390x'}});
    image.registry.put('multi', '1', buildIndex([image.built, foreign]));
    const name = `${image.registry.host}/multi:1`;
    await image.toolkit.images.pull(name, {...AMD64, allPlatforms: true});
    const files = await filesOf(image, name, {platform: 'linux/s390x'});
    assert.equal(
      files.map(({path}) => path),
      ['/', '/srv', '/srv/app'],
    );
  });

  test('refuses an unknown image and a damaged layer file, and ends when it is told to', async () => {
    await using image = await openImage();
    assert.is((await rejectionOf(filesOf(image, 'absent'))).code, 'IMAGE_UNKNOWN');
    const aborted = AbortSignal.abort(new Error('enough'));
    assert.is((await rejectionOf(image.list({signal: aborted}))).message, 'enough');
    const [hex = ''] = (image.built.diffIds[0] ?? '').split(':').toReversed();
    overwrite(`${image.root}/layers/sha256/${hex}/layer.erofs`, UUID_AT);
    assert.is((await rejectionOf(image.list())).code, 'STORE_CORRUPT');
  });
});
