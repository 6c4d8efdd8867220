import {closeSync, openSync, writeSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import type {ImageSource} from '../../fixtures/build-image.ts';
import {buildTar, type TarEntry} from '../../fixtures/build-tar.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import type {FileChange} from '../../src/images/diff-files.ts';
import {digestHex} from '../../src/oci/digest.ts';
import {openTestStore} from '../helpers/open-store.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {imageOf} from './sample-images.ts';

interface Version extends Partial<Pick<ImageSource, 'config'>> {
  readonly layers: readonly (readonly TarEntry[])[];
}

/** A store with images `before` and `after` of these layers. */
async function openPair(before: Version, after: Version) {
  const registry = await startRegistry();
  const store = await openTestStore();
  const built = [before, after].map(({layers, config}) =>
    imageOf(
      layers.map((entries) => buildTar(entries)),
      config ? {config} : {},
    ),
  );
  for (const [at, image] of built.entries()) {
    registry.put(`${at}`, '1', image);
    await store.toolkit.images.pull(`${registry.host}/${at}:1`, {platform: 'linux/amd64'});
    await store.toolkit.images.tag(`${registry.host}/${at}:1`, at === 0 ? 'before' : 'after');
  }
  return {
    images: store.toolkit.images,
    built,
    root: store.root,
    diff: () => store.toolkit.images.diff('before', 'after'),
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await registry.close();
    },
  };
}

const line = ({kind, path, differences}: FileChange): string => [kind, path, ...differences].join(' ');

const BASE: readonly TarEntry[] = [
  {path: 'etc/', type: 'directory', mode: 0o755},
  {path: 'etc/conf', content: 'one'},
  {path: 'etc/same', content: 'same'},
  {path: 'etc/gone', content: 'gone!'},
  {path: 'old/deep/file', content: '1'},
  {path: 'link', type: 'symlink', linkPath: 'etc/conf'},
];

describe('images/diff', ({test}) => {
  test('names what a layer on top adds, changes and hides', async () => {
    const top: readonly TarEntry[] = [
      {path: 'etc/conf', content: 'other'},
      {path: 'etc/new', content: 'new file'},
      {path: 'etc/.wh.gone'},
      {path: '.wh.old'},
      {path: 'link', type: 'symlink', linkPath: 'etc/new'},
    ];
    await using pair = await openPair({layers: [BASE]}, {layers: [BASE, top]});
    const {files, sharedLayers, from, to} = await pair.diff();
    assert.equal(files.map(line), [
      'changed /etc/conf content',
      'removed /etc/gone',
      'added /etc/new',
      'changed /link target',
      'removed /old',
      'removed /old/deep',
      'removed /old/deep/file',
    ]);
    assert.equal([sharedLayers, from.layerCount, to.layerCount], [1, 1, 2]);
    const [conf, gone, added, link] = files;
    assert.equal([conf?.before?.size, conf?.after?.size], [3, 5]);
    assert.equal([gone?.before?.size, gone?.after], [5, null]);
    assert.equal([added?.before, added?.after?.size], [null, 8]);
    assert.equal([link?.before?.linkTarget, link?.after?.linkTarget], ['etc/conf', 'etc/new']);
  });

  test('is the other way round when the images are', async () => {
    const top: readonly TarEntry[] = [{path: 'etc/new', content: 'x'}, {path: 'etc/.wh.gone'}];
    await using pair = await openPair({layers: [BASE, top]}, {layers: [BASE]});
    assert.equal((await pair.diff()).files.map(line), ['added /etc/gone', 'removed /etc/new']);
  });

  test('compares the bytes of files of one size, whatever their times say', async () => {
    const before: readonly TarEntry[] = [
      {path: 'same-time', content: 'aaaa', mtime: 1000},
      {path: 'other-time', content: 'bbbb', mtime: 1000},
    ];
    const after: readonly TarEntry[] = [
      {path: 'same-time', content: 'aaab', mtime: 1000},
      {path: 'other-time', content: 'bbbb', mtime: 2000},
    ];
    await using pair = await openPair({layers: [before]}, {layers: [after]});
    assert.equal((await pair.diff()).files.map(line), ['changed /same-time content']);
  });

  test('tells mode, owner, type, device and extended attributes apart', async () => {
    const before: readonly TarEntry[] = [
      {path: 'device', type: 'character', devMajor: 1, devMinor: 3},
      {path: 'mode', content: 'x', mode: 0o644},
      {path: 'owner', content: 'x', uid: 1},
      {path: 'type/', type: 'directory'},
      {path: 'type/inside', content: 'x'},
      {path: 'xattrs', content: 'x', xattrs: {'user.a': '1'}},
    ];
    const after: readonly TarEntry[] = [
      {path: 'device', type: 'character', devMajor: 1, devMinor: 5},
      {path: 'mode', content: 'x', mode: 0o4755},
      {path: 'owner', content: 'x', uid: 2},
      {path: 'type', content: 'a file'},
      {path: 'xattrs', content: 'x', xattrs: {'user.a': '2'}},
    ];
    await using pair = await openPair({layers: [before]}, {layers: [after]});
    assert.equal((await pair.diff()).files.map(line), [
      'changed /device device',
      'changed /mode mode',
      'changed /owner owner',
      'changed /type type',
      'removed /type/inside',
      'changed /xattrs xattrs',
    ]);
  });

  test('an opaque directory hides what the layers below have in it, and a layer does not hide its own', async () => {
    const top: readonly TarEntry[] = [{path: 'etc/kept', content: 'k'}, {path: 'etc/.wh..wh..opq'}];
    await using pair = await openPair({layers: [BASE]}, {layers: [BASE, top]});
    assert.equal((await pair.diff()).files.map(line), [
      'removed /etc/conf',
      'removed /etc/gone',
      'added /etc/kept',
      'removed /etc/same',
    ]);
  });

  test('a directory that a layer does not describe is not changed by it', async () => {
    const base: readonly TarEntry[] = [{path: 'srv/', type: 'directory', mode: 0o700, uid: 5}];
    const top: readonly TarEntry[] = [{path: 'srv/app', content: 'x'}];
    await using pair = await openPair({layers: [base]}, {layers: [base, top]});
    assert.equal((await pair.diff()).files.map(line), ['added /srv/app']);
  });

  test('images of the same layers differ in their settings alone, and no layer is read', async () => {
    const config = (words: object) => ({layers: [BASE], config: {Cmd: ['sh'], ...words}});
    const before = config({Env: ['A=1', 'B=2', 'A=3'], User: 'me', Labels: {x: '1'}, ExposedPorts: {'80/tcp': {}}});
    const after = config({Env: ['A=3', 'C=4'], Entrypoint: ['/init'], Labels: {x: '2'}, ExposedPorts: {'80/tcp': {}}});
    await using pair = await openPair(before, after);
    const layer = digestHex(pair.built[0]?.diffIds[0] ?? 'sha256:');
    damageHead(join(pair.root, 'layers', 'sha256', layer, 'layer.erofs'));
    const {files, config: settings} = await pair.diff();
    assert.equal(files, []);
    assert.equal(
      settings.map((change) => [change.field, change.name, change.before, change.after]),
      [
        ['Entrypoint', null, null, ['/init']],
        ['User', null, 'me', null],
        ['Env', 'B', '2', null],
        ['Env', 'C', null, '4'],
        ['Labels', 'x', '1', '2'],
      ],
    );
  });

  test('an image without layers has no files', async () => {
    await using pair = await openPair({layers: []}, {layers: [[{path: 'a', content: 'x'}]]});
    assert.equal((await pair.diff()).files.map(line), ['added /', 'added /a']);
  });

  test('says which layer file is damaged', async () => {
    await using pair = await openPair({layers: [BASE]}, {layers: [[{path: 'a', content: 'x'}]]});
    const layer = digestHex(pair.built[0]?.diffIds[0] ?? 'sha256:');
    damageHead(join(pair.root, 'layers', 'sha256', layer, 'layer.erofs'));
    const error = await rejectionOf(pair.diff());
    assert.is(error.code, 'STORE_CORRUPT');
    assert.ok(error.message.includes(layer));
  });

  test('reads nothing once it is aborted', async () => {
    await using pair = await openPair({layers: [BASE]}, {layers: [[{path: 'a', content: 'x'}]]});
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    const error = await pair.images.diff('before', 'after', {signal}).catch((thrown: unknown) => thrown);
    assert.is(error, reason);
  });
});

/** Overwrites the superblock of a layer file. */
function damageHead(path: string): void {
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(512, 'x'), 0, 512, 1024);
  closeSync(file);
}
