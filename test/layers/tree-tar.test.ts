import {spawnSync} from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import {createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {buffer} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {loadAttributeCalls} from '../../src/host/attribute-calls.ts';
import {loadTreeCalls} from '../../src/host/tree-calls.ts';
import {type TreeTarOptions, writeTreeTar} from '../../src/layers/tree-tar.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {missingFor} from '../helpers/requires.ts';
import {requireProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';

const OPEN = constants.O_RDONLY | constants.O_DIRECTORY;

describe('layers/tree-tar', ({test, before, after}) => {
  let directory = '';
  const at = (name: string) => join(directory, name);
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'winch-tree-'));
  });
  after(() => rmSync(directory, {recursive: true}));

  const pack = async (name: string, options: TreeTarOptions = {}, calls = loadAttributeCalls()) => {
    const directoryFd = openSync(at(name), OPEN);
    try {
      writeFileSync(at('tar'), await buffer(writeTreeTar(calls, {directoryFd, name: null}, options)));
    } finally {
      closeSync(directoryFd);
    }
    return at('tar');
  };
  const list = async (tar: string) => (await requireProgram('tar', ['tf', tar])).trimEnd().split('\n');

  test('has all kinds of files as GNU tar reads them, and leaves sockets out', async () => {
    mkdirSync(at('tree/sub'), {recursive: true});
    writeFileSync(at('tree/file'), 'content');
    chmodSync(at('tree/file'), 0o4755);
    linkSync(at('tree/file'), at('tree/sub/twin'));
    symlinkSync('/nowhere', at('tree/link'));
    writeFileSync(at(`tree/${'n'.repeat(200)}`), Buffer.alloc(1_500_000, 7));
    spawnSync('mkfifo', [at('tree/pipe')]);
    utimesSync(at('tree/sub'), 1_000_000_000.5, 1_000_000_000.5);
    const server = createServer().listen(at('tree/socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    const tar = await pack('tree');
    server.close();
    assert.equal(
      (await list(tar)).toSorted(),
      ['./', 'file', 'link', 'n'.repeat(200), 'pipe', 'sub/', 'sub/twin'].toSorted(),
    );
    mkdirSync(at('out'));
    await requireProgram('tar', ['xpf', tar, '-C', at('out')]);
    await requireProgram('diff', [
      '-r',
      '--no-dereference',
      '--exclude=pipe',
      '--exclude=socket',
      at('tree'),
      at('out'),
    ]);
    const stat = (root: string) =>
      requireProgram('stat', ['-c', '%a %h %Y %F', ...['file', 'sub', 'pipe'].map((name) => at(`${root}/${name}`))]);
    assert.is(await stat('out'), await stat('tree'));
  });

  test('keeps a directory that is exchanged for a link while it is read', async () => {
    mkdirSync(at('race/inner'), {recursive: true});
    mkdirSync(at('canary'));
    for (const name of ['one', 'two']) {
      writeFileSync(at(`race/inner/${name}`), 'inside');
      writeFileSync(at(`canary/${name}`), 'secret');
    }
    const isLeftOut = (path: string) => {
      if (path !== 'inner/one') return false;
      renameSync(at('race/inner'), at('race-moved'));
      symlinkSync(at('canary'), at('race/inner'));
      return false;
    };
    const tar = await pack('race', {isLeftOut});
    assert.equal(await list(tar), ['./', 'inner/', 'inner/one', 'inner/two']);
    assert.not.match(await requireProgram('tar', ['xOf', tar]), 'secret');
  });

  test('follows no link that takes the place of a file or directory after it was looked at', async () => {
    mkdirSync(at('late/directory'), {recursive: true});
    writeFileSync(at('late/directory/in'), 'inside');
    writeFileSync(at('late/file'), 'inside');
    const calls = loadAttributeCalls();
    // The root's own attributes are read once its names are not known yet.
    const read: typeof calls.read = (path) => {
      if (path.toString().endsWith('/.')) {
        for (const name of ['file', 'directory']) {
          rmSync(at(`late/${name}`), {recursive: true, force: true});
          symlinkSync(at(name === 'file' ? 'canary/one' : 'canary'), at(`late/${name}`));
        }
      }
      return calls.read(path);
    };
    const tar = await pack('late', {}, {read});
    assert.equal(await list(tar), ['./', 'directory', 'file']);
    assert.not.match(await requireProgram('tar', ['xOf', tar]), 'secret');
  });

  test('a file that gets shorter has the size that it had, and what is gone is left out', async () => {
    mkdirSync(at('shrinking'));
    writeFileSync(at('shrinking/gone'), 'x');
    writeFileSync(at('shrinking/short'), 'x'.repeat(5000));
    const calls = loadAttributeCalls();
    const read: typeof calls.read = (path) => {
      if (path.toString().endsWith('/short')) truncateSync(at('shrinking/short'), 10);
      return calls.read(path);
    };
    const isLeftOut = (path: string) => {
      if (path === 'gone') rmSync(at('shrinking/gone'));
      return false;
    };
    const tar = await pack('shrinking', {isLeftOut}, {read});
    assert.equal(await list(tar), ['./', 'short']);
    assert.is((await requireProgram('tar', ['xOf', tar])).length, 5000);
  });

  const skip = missingFor('mknod');
  test(
    'marks of an upper directory become whiteouts, and partial copies are refused',
    async () => {
      mkdirSync(at('upper/opaque'), {recursive: true});
      const calls = loadTreeCalls();
      const fd = openSync(at('upper'), OPEN);
      const mark = (name: string, value: string) =>
        calls.setAttribute(fd, Buffer.from('opaque'), {name: Buffer.from(name), value: Buffer.from(value)});
      spawnSync('mknod', [at('upper/removed'), 'c', '0', '0']);
      mark('trusted.overlay.opaque', 'y');
      mark('user.own', 'kept');
      const tar = await pack('upper', {isUpper: true});
      assert.equal(await list(tar), ['./', 'opaque/', 'opaque/.wh..wh..opq', '.wh.removed']);
      const bytes = await requireProgram('cat', [tar]);
      assert.match(bytes, 'SCHILY.xattr.user.own=kept');
      assert.not.match(bytes, 'trusted.overlay');
      mark('trusted.overlay.redirect', '/elsewhere');
      assert.is((await rejectionOf(pack('upper', {isUpper: true}))).code, 'WRITES_UNREADABLE');
      closeSync(fd);
    },
    {skip},
  );

  test('no mode is changed through a link', () => {
    writeFileSync(at('guarded'), '', {mode: 0o600});
    symlinkSync('guarded', at('to-guarded'));
    const fd = openSync(directory, OPEN);
    assert.throws(() => loadTreeCalls().changeMode(fd, Buffer.from('to-guarded'), 0o777), /ENOTSUP|EOPNOTSUPP/);
    closeSync(fd);
    assert.is(statSync(at('guarded')).mode & 0o777, 0o600);
  });
});
