import * as assert from 'uvu/assert';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';
import {buildTree, listTree} from './tree-listing.ts';

type Entries = Parameters<typeof buildTree>[0];

const list = (entries: Entries) => listTree(buildTree(entries));
const refusal = (entries: Entries) => codeOf(() => buildTree(entries));

describe('layers/tree', ({test}) => {
  test('refuses paths that point outside', () => {
    for (const path of ['../../canary', 'a/../../b', 'a/..', '..']) assert.is(refusal([{path}]), 'TAR_PATH', path);
  });

  test('takes absolute, doubled and dotted slashes as inside', () => {
    assert.equal(list([{path: '/etc/x'}, {path: './etc//y'}]), {etc: 'directory', 'etc/x': 'file', 'etc/y': 'file'});
  });

  test('follows the layer’s own symlinks inside the layer only', () => {
    const link = (linkPath: string) => [{path: 'a', type: 'symlink', linkPath}, {path: 'a/f'}];
    assert.equal(list(link('/canary')), {a: 'symlink → /canary', canary: 'directory', 'canary/f': 'file'});
    assert.equal(list(link('../../../up')), {a: 'symlink → ../../../up', up: 'directory', 'up/f': 'file'});
    assert.equal(
      list([{path: 'd', type: 'directory'}, {path: 'd', type: 'symlink', linkPath: '/e/../g'}, {path: 'd/f'}]),
      {
        d: 'symlink → /e/../g',
        e: 'directory',
        g: 'directory',
        'g/f': 'file',
      },
    );
  });

  test('refuses rings and endless chains of symlinks', () => {
    const ring = [
      {path: 'a', type: 'symlink', linkPath: 'b'},
      {path: 'b', type: 'symlink', linkPath: 'a'},
      {path: 'a/f'},
    ];
    assert.is(refusal(ring), 'TAR_LINK');
    assert.is(refusal([{path: 'a', type: 'symlink', linkPath: 'a/a'}, {path: 'a/f'}]), 'TAR_LINK');
  });

  test('lets the root be a directory only', () => {
    for (const path of ['/.', './', '', '/']) {
      assert.is(refusal([{path, type: 'symlink', linkPath: '/'}]), 'TAR_PATH', JSON.stringify(path));
      assert.is(refusal([{path, type: 'directory'}]), null, JSON.stringify(path));
    }
  });

  test('refuses hard links to what the layer does not have', () => {
    for (const linkPath of ['/canary/secret', 'package.json', '../../etc/passwd', '']) {
      assert.is(refusal([{path: 'l', type: 'hardlink', linkPath}]), 'TAR_LINK', linkPath);
    }
    assert.is(refusal([{path: 'l', type: 'hardlink', linkPath: 'l'}]), 'TAR_LINK');
    assert.is(refusal([{path: '.wh.t'}, {path: 'l', type: 'hardlink', linkPath: 't'}]), 'TAR_LINK');
    assert.is(
      refusal([
        {path: 'd', type: 'directory'},
        {path: 'l', type: 'hardlink', linkPath: 'd'},
      ]),
      'TAR_LINK',
    );
  });

  test('holds what symlinks lead to against the limits of a path', () => {
    const link = (linkPath: string) => [{path: 's', type: 'symlink', linkPath}, {path: 's/f'}];
    assert.is(refusal(link('n'.repeat(255))), null);
    assert.is(refusal(link('n'.repeat(256))), 'TAR_LIMIT');
    assert.is(refusal(link('d/'.repeat(1023))), null);
    assert.is(refusal(link('d/'.repeat(1024))), 'TAR_LIMIT');
    const chain = [...link('d/'.repeat(600)), {path: 't', type: 'symlink', linkPath: `s/${'e/'.repeat(600)}`}];
    assert.is(refusal(chain), null);
    assert.is(refusal([...chain, {path: 't/f'}]), 'TAR_LIMIT');
    assert.is(refusal([...chain, {path: 'l', type: 'hardlink', linkPath: 't/f'}]), 'TAR_LINK');
  });

  test('links a symlink itself and never what it points to', () => {
    const entries = [
      {path: 's', type: 'symlink', linkPath: '/etc/passwd'},
      {path: 'l', type: 'hardlink', linkPath: 's'},
    ];
    assert.equal(list(entries), {l: 'symlink → /etc/passwd', s: '= l'});
  });

  test('settles hard links that come before their target', () => {
    const link = (path: string, linkPath: string) => ({path, type: 'hardlink', linkPath});
    assert.equal(list([link('a', 'b'), link('b', 'c'), {path: 'c'}]), {c: 'file', b: '= c', a: '= c'});
    assert.equal(
      list([link('a', 'b'), {path: 'b'}, {path: 'a'}]),
      {a: 'file', b: 'file'},
      'a later entry takes the name',
    );
    assert.is(refusal([link('a', 'b'), link('b', 'a')]), 'TAR_LINK');
    const chain = Array.from({length: 20_000}, (_, index) => link(`n${index}`, `n${index + 1}`));
    assert.is(refusal([...chain, {path: 'n20000'}]), null, 'a long chain takes no quadratic time');
    assert.is(refusal([...chain.toReversed(), {path: 'n20000'}]), null);
  });

  test('keeps names apart that differ in one byte', () => {
    const names = ['Foo', 'foo', 'caf\u00e9', 'cafe\u0301', 'a\\b', Buffer.from([0xff]), Buffer.from([0xfe])];
    assert.is(Object.keys(list(names.map((path) => ({path})))).length, names.length);
  });

  test('refuses whiteouts without a name', () => {
    for (const path of ['.wh.', '.wh..', '.wh...', 'etc/.wh...', '.wh.d/f']) {
      assert.is(refusal([{path}]), 'WHITEOUT_INVALID', path);
    }
  });

  test('lets what the layer adds win over its own whiteouts, whichever comes first', () => {
    assert.equal(list([{path: 'f'}, {path: '.wh.f'}]), {f: 'file'});
    assert.equal(list([{path: '.wh.f'}, {path: 'f'}]), {f: 'file'});
    assert.equal(list([{path: '.wh.gone'}]), {gone: 'whiteout'});
  });

  test('makes a directory that replaces a hidden one opaque', () => {
    assert.equal(list([{path: '.wh.d'}, {path: 'd/f'}]), {d: 'directory opaque', 'd/f': 'file'});
    assert.equal(list([{path: 'd', type: 'directory'}, {path: 'd/f'}, {path: '.wh.d'}]), {
      d: 'directory opaque',
      'd/f': 'file',
    });
  });

  test('keeps siblings of an opaque marker wherever it stands, and skips what aufs left', () => {
    assert.equal(list([{path: 'd/f'}, {path: 'd/.wh..wh..opq'}, {path: 'd/g'}]), {
      d: 'directory opaque',
      'd/f': 'file',
      'd/g': 'file',
    });
    assert.equal(list([{path: '.wh..wh.plnk/1'}, {path: '.wh..wh.aufs'}]), {});
  });

  test('takes a device 0:0 for the whiteout that it is in an overlay', () => {
    assert.equal(
      list([
        {path: 'f', type: 'character'},
        {path: 'n', type: 'character', devMajor: 1, devMinor: 3},
      ]),
      {
        f: 'whiteout',
        n: 'character',
      },
    );
  });

  test('makes a real directory where only a lower layer may have a symlink', () => {
    assert.equal(list([{path: 'lib/x'}]), {lib: 'directory', 'lib/x': 'file'});
  });

  test('replaces a file by a directory when something lies below it, and warns', () => {
    const tree = buildTree([{path: 'f', content: 'x'}, {path: 'f/g'}, {path: 'f/h'}]);
    assert.equal(listTree(tree), {f: 'directory', 'f/g': 'file', 'f/h': 'file'});
    assert.is(tree.warnings.length, 1);
  });

  test('lets the last of equal names win; a directory keeps what is in it', () => {
    assert.equal(list([{path: 'd/f'}, {path: 'd', type: 'directory'}]), {d: 'directory', 'd/f': 'file'});
    assert.equal(list([{path: 'd/f'}, {path: 'd', type: 'fifo'}]), {d: 'fifo'});
    assert.equal(
      list([
        {path: 's', type: 'symlink', linkPath: 'x'},
        {path: 's/', type: 'directory'},
      ]),
      {s: 'directory'},
    );
  });

  test('drops attributes that steer overlays or belong to the builder’s machine, and warns once each', () => {
    const xattrs = {
      'trusted.overlay.opaque': 'y',
      'trusted.other': '1',
      'user.overlay.redirect': '/x',
      'security.selinux': 'ctx',
      'btrfs.compression': 'z',
      'user.kept': '1',
      'security.capability': '2',
    };
    const tree = buildTree([
      {path: 'f', xattrs},
      {path: 'g', xattrs},
    ]);
    const kept = [...tree.inodes.xattrs.values()].map((map) => [...map.keys()]);
    assert.equal(kept, [
      ['user.kept', 'security.capability'],
      ['user.kept', 'security.capability'],
    ]);
    assert.is(tree.warnings.length, 5);
  });

  test('refuses long names, long paths, deep trees and links without a target', () => {
    assert.is(refusal([{path: 'n'.repeat(255)}]), null);
    assert.is(refusal([{path: 'n'.repeat(256)}]), 'TAR_LIMIT');
    assert.is(refusal([{path: 'nnnn/'.repeat(819), type: 'directory'}]), null);
    assert.is(refusal([{path: 'nnnn/'.repeat(820), type: 'directory'}]), 'TAR_LIMIT');
    assert.is(refusal([{path: 'd/'.repeat(1025), type: 'directory'}]), 'TAR_LIMIT');
    assert.is(refusal([{path: 'l', type: 'symlink', linkPath: ''}]), 'TAR_LINK');
    assert.is(refusal([{path: 'l', type: 'symlink', linkPath: 't'.repeat(4095)}]), null);
    assert.is(refusal([{path: 'l', type: 'symlink', linkPath: 't'.repeat(4096)}]), 'TAR_LIMIT');
  });
});
