import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import {buffer} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {buildIndex} from '../../fixtures/build-image.ts';
import {buildTar, type TarEntry} from '../../fixtures/build-tar.ts';
import {isWinchError} from '../../src/errors.ts';
import type {Images} from '../../src/toolkit.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {openLayeredImage} from './layered-image.ts';
import {imageOf} from './sample-images.ts';

/** More than is read at once. */
const LARGE = 'large '.repeat(500_000);
const LOWER: readonly TarEntry[] = [
  {path: 'bin', type: 'symlink', linkPath: 'usr/bin'},
  {path: 'usr/bin/tool', content: 'lower tool', mode: 0o4755, uid: 3, gid: 4},
  {path: 'usr/bin/alias', type: 'symlink', linkPath: '../../../../../../bin/tool'},
  {path: 'etc/gone', content: 'x'},
  {path: 'etc/mtab', type: 'symlink', linkPath: '/proc/self/mounts'},
  {path: 'opt/old/file', content: 'old'},
  {path: 'dev/null', type: 'character', devMajor: 1, devMinor: 3},
  {path: 'loop', type: 'symlink', linkPath: 'loop'},
  {path: 'pipe', type: 'fifo'},
];
const UPPER: readonly TarEntry[] = [
  {path: 'etc/.wh.gone'},
  {path: 'usr/bin/tool', content: 'upper tool', mode: 0o755},
  {path: 'opt/.wh..wh..opq'},
  {path: 'opt/new', content: 'new'},
  {path: 'var/large', content: LARGE},
  {path: 'var/empty', content: ''},
  {path: 'etc/escape', type: 'symlink', linkPath: '../../../../../../etc/hostname'},
];

async function read(images: Images, reference: string, path: string): Promise<string> {
  const {content, close} = await images.readFile({reference, path});
  try {
    return (await buffer(content)).toString();
  } finally {
    close();
  }
}

describe('images/read-file', ({test}) => {
  test('reads a file as a container would first see it', async () => {
    await using image = await openLayeredImage(LOWER, UPPER);
    const content = (path: string) => read(image.images, image.name, path);
    assert.is(await content('/usr/bin/tool'), 'upper tool');
    assert.is(await content('bin/tool'), 'upper tool');
    assert.is(await content('/bin/alias'), 'upper tool');
    assert.is(await content('/opt/../opt/new'), 'new');
    assert.is(await content('/../../opt/new'), 'new');
    assert.is(await content('/var/empty'), '');
    assert.is(await content('/var/large'), LARGE);
  });

  test('says what the file is', async () => {
    await using image = await openLayeredImage(LOWER);
    const {file, close} = await image.images.readFile({reference: image.name, path: '/bin/tool'});
    close();
    assert.equal(file, {path: '/usr/bin/tool', type: 'file', size: 10, mode: 0o4755, uid: 3, gid: 4, linkTarget: null});
  });

  test('refuses what is no file, and never looks at this machine', async () => {
    await using image = await openLayeredImage(LOWER, UPPER);
    const codeOf = async (path: string) => (await rejectionOf(read(image.images, image.name, path))).code;
    for (const path of [
      '/etc/gone',
      '/opt/old/file',
      '/absent',
      '/usr/bin/tool/x',
      '/etc/mtab',
      '/etc/escape',
      '/x\0y',
    ]) {
      assert.is(await codeOf(path), 'PATH_UNKNOWN', path);
    }
    for (const path of ['/', '/etc', '/bin/', '/dev/null', '/pipe', '', '.']) {
      assert.is(await codeOf(path), 'PATH_NOT_FILE', path);
    }
    assert.is(await codeOf('/loop'), 'PATH_LOOP');
    assert.is(await codeOf('/usr/bin/tool/'), 'PATH_NOT_DIRECTORY');
    assert.is((await rejectionOf(read(image.images, 'absent', '/x'))).code, 'IMAGE_UNKNOWN');
  });

  test('says how far a path leads', async () => {
    await using image = await openLayeredImage(LOWER);
    const hintOf = async (path: string) => {
      const error: unknown = await rejectionOf(read(image.images, image.name, path));
      return isWinchError(error) ? error.hint : '';
    };
    assert.is(await hintOf('/bin/absent/x'), '"/usr/bin" is there and has no "absent"');
    assert.is(await hintOf('/bin/tool/x'), '"/usr/bin/tool" is there and is a file');
  });

  test('keeps the image while it is read', async () => {
    await using image = await openLayeredImage([{path: 'large', content: LARGE}]);
    const {content, close} = await image.images.readFile({reference: image.name, path: '/large'});
    const other = await image.open();
    await other.images.remove([image.name]);
    await other.images.prune();
    assert.is((await buffer(content)).length, LARGE.length);
    close();
    await other.images.prune();
    assert.equal(readdirSync(join(image.root, 'layers', 'sha256')), []);
  });

  test('unpacks a layer that is only downloaded first', async () => {
    await using image = await openLayeredImage(LOWER);
    const foreign = imageOf([buildTar([{path: 'app', content: 's390x'}])], {
      platform: {os: 'linux', architecture: 's390x'},
    });
    image.registry.put('multi', '1', buildIndex([imageOf([buildTar(LOWER)]), foreign]));
    const reference = `${image.registry.host}/multi:1`;
    await image.images.pull(reference, {platform: 'linux/amd64', allPlatforms: true});
    const {content, close} = await image.images.readFile({reference, path: '/app'}, {platform: 'linux/s390x'});
    assert.is((await buffer(content)).toString(), 's390x');
    close();
  });

  test('ends when it is told to', async () => {
    await using image = await openLayeredImage([{path: 'large', content: LARGE}]);
    const abort = new AbortController();
    const source = {reference: image.name, path: '/large'};
    const {content, close} = await image.images.readFile(source, {signal: abort.signal});
    const ended = rejectionOf(
      (async () => {
        for await (const _ of content) abort.abort(new Error('enough'));
      })(),
    );
    assert.is((await ended).message, 'enough');
    close();
  });
});
