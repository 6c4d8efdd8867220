import {randomBytes} from 'node:crypto';
import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import {buffer} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {buildChunkedLayer, type ChunkedSource} from '../../../fixtures/build-chunked-layer.ts';
import {buildTar, type TarEntry} from '../../../fixtures/build-tar.ts';
import {isWinchError} from '../../../src/errors.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {describe} from '../../helpers/suite.ts';
import {serveImage} from './remote-image.ts';

const FORMATS = ['estargz', 'zstd:chunked'] as const;
const MIB = 1024 * 1024;
/** Nothing makes it shorter. */
const NOISE = randomBytes(3 * MIB + 12_345);
const HOLE = Buffer.concat([NOISE.subarray(0, 100_000), Buffer.alloc(200_000), NOISE.subarray(100_000, 150_000)]);

const LOWER: readonly TarEntry[] = [
  {path: './', type: 'directory'},
  {path: 'bin', type: 'symlink', linkPath: 'usr/bin'},
  {path: 'usr/bin/', type: 'directory', mode: 0o700},
  {path: 'usr/bin/tool', content: 'lower tool', mode: 0o4755, uid: 3, gid: 4, mtime: 12.5},
  {path: 'usr/bin/alias', type: 'symlink', linkPath: '../../../../bin/tool'},
  {path: 'usr/bin/same', type: 'hardlink', linkPath: './usr/bin/tool'},
  {path: 'early', type: 'hardlink', linkPath: 'late'},
  {path: 'late', content: 'late'},
  {path: 'etc/gone', content: 'x'},
  {path: 'etc/ümläut', content: 'name'},
  {path: 'etc/mtab', type: 'symlink', linkPath: '/proc/self/mounts'},
  {path: 'opt/old/file', content: 'old'},
  {path: 'dev/null', type: 'character', devMajor: 1, devMinor: 3},
  {path: 'loop', type: 'symlink', linkPath: 'loop'},
  {path: 'pipe', type: 'fifo'},
  {path: 'var/noise', content: NOISE},
  {path: 'twice', content: 'first'},
  {path: 'twice', content: 'second', xattrs: {'user.a': 'b'}},
];
const UPPER: readonly TarEntry[] = [
  {path: 'etc/.wh.gone'},
  {path: 'usr/bin/tool', content: 'upper tool', mode: 0o755},
  {path: 'opt/.wh..wh..opq'},
  {path: 'opt/new', content: 'new'},
  {path: 'var/hole', content: HOLE},
  {path: 'var/empty', content: ''},
];
const PATHS = [
  ...['/usr/bin/tool', 'bin/tool', '/bin/alias', '/usr/bin/same', '/early', '/late', '/etc/gone', '/etc/ümläut'],
  ...['/etc/mtab', '/opt/old/file', '/opt/new', '/opt', '/dev/null', '/loop', '/pipe', '/var/noise', '/var/hole'],
  ...['/var/empty', '/twice', '/absent', '/usr/bin/tool/', '/../../opt/new', '/var/../twice', '/'],
];

const layerOf = (format: ChunkedSource['format'], entries: readonly TarEntry[], more: Partial<ChunkedSource> = {}) =>
  buildChunkedLayer({format, entries, ...more});

describe('images/partial', ({test}) => {
  for (const format of FORMATS) {
    test(`reads of ${format} what a pulled image has at each path`, async () => {
      const chunkBytes = 100_000;
      await using image = await serveImage(layerOf(format, LOWER, {chunkBytes}), layerOf(format, UPPER, {chunkBytes}));
      const outcome = async (path: string) => {
        try {
          const {file, close} = await image.images.readFile(
            {reference: image.name, path},
            {policy: 'missing', platform: 'linux/amd64'},
          );
          close();
          return [file, await image.read(path)];
        } catch (error) {
          if (!isWinchError(error)) throw error;
          return [error.code, error.message, error.hint];
        }
      };
      const remote = [];
      for (const path of PATHS) remote.push(await outcome(path));
      assert.equal(await image.images.list(), []);
      await image.images.pull(image.name, {platform: 'linux/amd64'});
      const asked = image.registry.requests.length;
      for (const [at, path] of PATHS.entries()) assert.equal(remote[at], await outcome(path), path);
      assert.is(image.registry.requests.length, asked);
    });

    test(`fetches of ${format} only what is needed`, async () => {
      const files = Array.from({length: 300}, (_, at) => ({path: `srv/${at}`, content: randomBytes(30_000)}));
      const wanted = {path: 'etc/hostname', content: 'vm\n'};
      await using image = await serveImage(
        layerOf(format, [...files, wanted]),
        layerOf(format, [{path: 'x', content: 'y'}]),
      );
      assert.is((await image.read('/etc/hostname')).toString(), 'vm\n');
      assert.ok(image.sentBytes() < 9_000_000 * 0.05, `${image.sentBytes()} bytes`);
      assert.equal(image.warnings(), []);
      await using large = await serveImage(layerOf(format, [{path: 'large', content: NOISE}], {chunkBytes: 64_000}));
      assert.ok((await large.read('/large')).equals(NOISE));
      // A config, a table with the footer, and all chunks with one request.
      const ranges = large.registry.requests.filter(({class: of}) => of === 'blob').length;
      assert.ok(ranges <= 3, `${ranges} requests`);
    });
  }

  test('fetches no zeros', async () => {
    const content = Buffer.concat([Buffer.from('begin'.padEnd(1000, '!')), Buffer.alloc(5000), Buffer.from('end')]);
    const layer = layerOf('zstd:chunked', [{path: 'hole', content}], {chunkBytes: 1000});
    await using image = await serveImage(layer);
    assert.ok((await image.read('/hole')).equals(content));
    assert.is(image.registry.requests.filter(({class: of}) => of === 'blob').length, 4);
  });

  test('reads files that share packed streams', async () => {
    const files = Array.from({length: 20}, (_, at) => ({path: `f${at}`, content: `content ${at} `.repeat(50)}));
    await using image = await serveImage(layerOf('estargz', files, {leastStreamBytes: 3000, chunkBytes: 200}));
    for (const {path, content} of files) assert.is((await image.read(path)).toString(), content, path);
    assert.equal(await image.images.list(), []);
  });

  test('reads layers of the store, layers in parts and whole ones together', async () => {
    const base = buildTar([{path: 'base', content: 'base'}]);
    const middle = buildTar([{path: 'middle', content: 'middle'}]);
    const top = layerOf('estargz', [
      {path: 'top', content: 'top'},
      {path: 'noise', content: NOISE},
      {path: '.wh.gone'},
    ]);
    await using image = await serveImage(base, middle, top);
    await image.images.pull(image.put('base', base), {platform: 'linux/amd64'});
    const before = image.sentBytes();
    for (const name of ['base', 'middle', 'top']) assert.is((await image.read(name)).toString(), name);
    assert.ok(image.sentBytes() - before < 60_000, `${image.sentBytes()} bytes`);
    assert.is((await image.images.list()).length, 1);
    const fetched = image.events.filter(({type}) => type === 'blob:stored');
    assert.is(fetched.length, 1, 'the middle one, once');
  });

  test('fetches tables once for several files, and closes what was opened when one is missing', async () => {
    const files = ['a', 'b', 'c'].map((path) => ({path, content: path.repeat(30_000)}));
    await using image = await serveImage(layerOf('estargz', files));
    const options = {policy: 'missing', platform: 'linux/amd64'} as const;
    const sources = files.map(({path}) => ({reference: image.name, path}));
    const opened = await image.images.readFiles(sources, options);
    const tables = image.registry.requests.filter(({class: of}) => of === 'blob').length;
    const read = [];
    for (const {content} of opened.files) read.push((await buffer(content)).toString());
    assert.equal(
      read,
      files.map(({content}) => content),
    );
    assert.is(image.registry.requests.filter(({class: of}) => of === 'blob').length, tables + files.length);
    opened.close();
    const missing = [...sources, {reference: image.name, path: '/absent'}];
    assert.is((await rejectionOf(image.images.readFiles(missing, options))).message.includes('"/absent"'), true);
    assert.equal(readdirSync(join(image.root, 'locks', 'claims')), []);
  });

  test('pulls an image that has nothing to be read in part', async () => {
    await using image = await serveImage(buildTar([{path: 'file', content: 'content'}]));
    assert.is((await image.read('/file')).toString(), 'content');
    assert.is((await image.images.list()).length, 1);
    const asked = image.registry.requests.length;
    assert.is((await image.read('/file')).toString(), 'content');
    assert.is(image.registry.requests.length, asked);
  });

  test('asks a registry by its policy', async () => {
    await using image = await serveImage(layerOf('estargz', [{path: 'file', content: 'old'}]));
    const codeOf = async (policy?: 'never') => {
      const error = await rejectionOf(image.read('/file', {policy}));
      return 'code' in error && error.code;
    };
    assert.is(await codeOf('never'), 'IMAGE_UNKNOWN');
    assert.is(await codeOf(undefined), 'IMAGE_UNKNOWN');
    assert.is(image.registry.requests.length, 0);
    await image.images.pull(image.name, {platform: 'linux/amd64'});
    image.put('1', layerOf('estargz', [{path: 'file', content: 'new'}]));
    assert.is((await image.read('/file')).toString(), 'old');
    assert.is((await image.read('/file', {policy: 'always'})).toString(), 'new');
    assert.is((await image.read('/file', {policy: 'newer'})).toString(), 'new');
    image.registry.setFaults([{on: 'any', status: 503}]);
    assert.is((await image.read('/file', {policy: 'newer'})).toString(), 'old');
    assert.equal(image.warnings(), ['PULL_SKIPPED']);
    assert.is((await image.read('/file', {policy: 'missing'})).toString(), 'old');
  });

  test('ends when it is told to, also in the middle of a file', async () => {
    await using image = await serveImage(layerOf('estargz', [{path: 'noise', content: NOISE}], {chunkBytes: 50_000}));
    const abort = new AbortController();
    const source = {reference: image.name, path: '/noise'};
    const options = {policy: 'missing', platform: 'linux/amd64', signal: abort.signal} as const;
    const {content, close} = await image.images.readFile(source, options);
    image.registry.setFaults([{on: 'blob', slow: {bytes: 60_000, pauseMs: 5}}]);
    const ended = rejectionOf(
      (async () => {
        for await (const _ of content) abort.abort(new Error('enough'));
      })(),
    );
    assert.is((await ended).message, 'enough');
    close();
  });
});
