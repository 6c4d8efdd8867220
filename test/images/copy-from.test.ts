import {spawnSync} from 'node:child_process';
import {lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {buffer} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import type {TarEntry} from '../../fixtures/build-tar.ts';
import type {WinchEvent} from '../../src/events.ts';
import type {CopyFromOptions} from '../../src/images/copy-from.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {openLayeredImage} from './layered-image.ts';

const asRoot = process.getuid?.() === 0 ? undefined : 'only root may make devices and give files away';
const FILES: readonly TarEntry[] = [
  {path: 'srv/www/index.html', content: 'index', mode: 0o640, mtime: 1_700_000_000},
  {path: 'srv/www/css/main.css', content: 'css'},
  {path: 'srv/www/same', type: 'hardlink', linkPath: 'srv/www/index.html'},
  {path: 'srv/www/home', type: 'symlink', linkPath: '/srv/www'},
  {path: 'srv/current', type: 'symlink', linkPath: 'www'},
  {path: 'srv/tool', content: 'tool', mode: 0o6755, uid: 5, gid: 6, xattrs: {'user.note': Buffer.from('x')}},
];

type Opened = Awaited<ReturnType<typeof openLayeredImage>>;

const copy = (image: Opened, path: string, to: string, options: CopyFromOptions = {}) =>
  image.images.copyFrom({reference: image.name, path, destination: join(image.directory, to)}, options);

/** What a directory holds, as lines; links with their target. */
const treeOf = (directory: string): readonly string[] =>
  readdirSync(directory, {recursive: true, encoding: 'utf8'})
    .toSorted()
    .map((name) => {
      const stats = lstatSync(join(directory, name));
      if (stats.isSymbolicLink()) return `${name} -> ${readlinkSync(join(directory, name))}`;
      return stats.isFile() ? `${name}: ${readFileSync(join(directory, name))}` : name;
    });

const WWW = ['css', 'css/main.css: css', 'home -> /srv/www', 'index.html: index', 'same: index'];
const below = (name: string): readonly string[] => [name, ...WWW.map((line) => `${name}/${line}`)];

describe('images/copy-from', ({test}) => {
  test('puts a file where docker cp would', async () => {
    await using image = await openLayeredImage(FILES);
    writeFileSync(join(image.directory, 'there'), 'old');
    const index = '/srv/www/index.html';
    const {path, files, bytes, skippedDevices} = await copy(image, index, 'out');
    assert.equal([path, files, bytes, skippedDevices], [join(image.destination, 'index.html'), 1, 5, 0]);
    await copy(image, index, 'new');
    await copy(image, index, 'there');
    await copy(image, 'srv/tool', 'out/');
    assert.equal(treeOf(image.directory), [
      ...['new: index', 'out', 'out/index.html: index', 'out/tool: tool', 'there: index'],
    ]);
    const codeOf = async (from: string, to: string) => (await rejectionOf(copy(image, from, to))).code;
    for (const to of ['absent/', 'absent/x', 'there/', 'there/x']) {
      assert.is(await codeOf(index, to), 'DESTINATION_INVALID', to);
    }
    assert.is(await codeOf('/srv/absent', 'out'), 'PATH_UNKNOWN');
  });

  test('puts a directory where docker cp would', async () => {
    await using image = await openLayeredImage(FILES);
    writeFileSync(join(image.directory, 'file'), '');
    for (const to of ['new', 'slash/']) await copy(image, '/srv/www', to);
    await copy(image, '/srv/www/.', 'content');
    await copy(image, '/srv/www', 'out');
    await copy(image, '/srv/current/.', 'out');
    assert.equal(treeOf(image.directory), [
      ...[...below('content'), 'file: ', ...below('new'), 'out', ...below('out').slice(1, 3)],
      ...[...below('out').slice(3), ...below('out/www'), ...below('slash')],
    ]);
    for (const to of ['file', 'absent/new']) {
      assert.is((await rejectionOf(copy(image, '/srv/www', to))).code, 'DESTINATION_INVALID', to);
    }
    assert.is(lstatSync(join(image.directory, 'new/same')).ino, lstatSync(join(image.directory, 'new/index.html')).ino);
  });

  test('copies a symlink, or what it leads to under its name', async () => {
    await using image = await openLayeredImage(FILES);
    await copy(image, '/srv/current', 'out');
    assert.equal(treeOf(image.destination), ['current -> www']);
    await copy(image, '/srv/current', 'followed', {followsLink: true});
    mkdirSync(join(image.directory, 'into'));
    await copy(image, '/srv/current', 'into', {followsLink: true});
    assert.equal(treeOf(join(image.directory, 'followed')), WWW);
    assert.equal(treeOf(join(image.directory, 'into')), below('current'));
  });

  test('copies a whole image', async () => {
    await using image = await openLayeredImage(
      [
        {path: 'a', content: '1'},
        {path: 'b', content: '2'},
      ],
      [{path: '.wh.b'}],
    );
    await copy(image, '/', 'out');
    assert.equal(treeOf(image.destination), ['a: 1']);
  });

  test('merges directories, which keep what they are, and replaces files and links', async () => {
    await using image = await openLayeredImage(FILES);
    const outside = join(image.directory, 'outside');
    mkdirSync(join(image.destination, 'www'), {mode: 0o700, recursive: true});
    writeFileSync(outside, 'untouched');
    writeFileSync(join(image.destination, 'www', 'mine'), 'mine');
    symlinkSync(outside, join(image.destination, 'www', 'index.html'));
    await copy(image, '/srv/www', 'out');
    assert.equal(treeOf(image.destination), [...below('www').slice(0, 5), 'www/mine: mine', 'www/same: index']);
    assert.is(lstatSync(join(image.destination, 'www')).mode & 0o777, 0o700);
    assert.is(readFileSync(outside, 'utf8'), 'untouched');
  });

  test('never follows links of its destination, which an image may have put there', async () => {
    await using image = await openLayeredImage([{path: 'srv/www', type: 'symlink', linkPath: '../victim'}]);
    const victim = join(image.directory, 'victim');
    mkdirSync(victim);
    await copy(image, '/srv/.', 'out');
    assert.is(readlinkSync(join(image.destination, 'www')), '../victim');
    const second = await image.add('2', FILES);
    const error = await rejectionOf(
      image.images.copyFrom({reference: second, path: '/srv/.', destination: image.destination}),
    );
    assert.is(error.code, 'DESTINATION_INVALID');
    assert.equal(readdirSync(victim), []);
    assert.equal(
      readdirSync(image.destination).filter((name) => name.startsWith('.winch')),
      [],
    );
  });

  test('replaces no directory by a file, and nothing that is neither file nor link', async () => {
    await using image = await openLayeredImage(FILES);
    mkdirSync(join(image.destination, 'tool'));
    assert.is((await rejectionOf(copy(image, '/srv/tool', 'out'))).code, 'DESTINATION_INVALID');
    const pipe = join(image.directory, 'pipe');
    assert.is(spawnSync('mkfifo', [pipe, join(image.destination, 'current')]).status, 0);
    assert.is((await rejectionOf(copy(image, '/srv/tool', 'pipe'))).code, 'DESTINATION_INVALID');
    assert.is((await rejectionOf(copy(image, '/srv/current', 'out'))).code, 'DESTINATION_INVALID');
    assert.ok(lstatSync(pipe).isFIFO());
    symlinkSync('nowhere', join(image.directory, 'dangling'));
    assert.is((await rejectionOf(copy(image, '/srv/tool', 'dangling'))).code, 'DESTINATION_INVALID');
  });

  test('gives files to the caller, with their modes and times, without set-id bits and devices', async () => {
    await using image = await openLayeredImage(FILES, [
      {path: 'srv/null', type: 'character', devMajor: 1, devMinor: 3},
      {path: 'srv/closed/file', content: 'x', mode: 0},
      {path: 'srv/closed', type: 'directory', mode: 0o555},
    ]);
    const events: WinchEvent[] = [];
    const umask = process.umask(0o077);
    try {
      const {skippedDevices} = await copy(image, '/srv', 'out', {onEvent: (event) => events.push(event)});
      assert.is(skippedDevices, 1);
    } finally {
      process.umask(umask);
    }
    assert.equal(
      events.map((event) => event.type === 'warning:raised' && event.code),
      ['DEVICES_LEFT_OUT'],
    );
    const stat = (name: string) => lstatSync(join(image.destination, 'srv', name));
    const {mode, uid, gid} = stat('tool');
    assert.equal([mode & 0o7777, uid, gid], [0o755, process.geteuid?.(), process.getegid?.()]);
    assert.is(stat('www/index.html').mode & 0o7777, 0o640);
    assert.is(stat('www/index.html').mtimeMs, 1_700_000_000_000);
    assert.is(stat('closed').mode & 0o7777, 0o755);
    assert.is(stat('closed/file').mode & 0o7777, 0);
  });

  test(
    'keeps owners, set-id bits and devices on demand, as root',
    async () => {
      const device: TarEntry = {path: 'srv/null', type: 'character', devMajor: 1, devMinor: 3, mode: 0o600};
      await using image = await openLayeredImage([...FILES, device]);
      const {skippedDevices} = await copy(image, '/srv', 'out', {keepsOwners: true});
      const {mode, uid, gid} = lstatSync(join(image.destination, 'srv', 'tool'));
      assert.equal([mode & 0o7777, uid, gid, skippedDevices], [0o6755, 5, 6, 0]);
      assert.ok(lstatSync(join(image.destination, 'srv', 'null')).isCharacterDevice());
    },
    {skip: asRoot},
  );

  test('copies names of any bytes', async () => {
    const name = Buffer.from('srv/\xff\x1b[2J\n', 'latin1');
    await using image = await openLayeredImage([{path: name, content: 'odd'}]);
    await copy(image, '/srv', 'out');
    const [found] = readdirSync(join(image.destination, 'srv'), {encoding: 'buffer'});
    assert.equal(found, name.subarray(4));
  });

  test('leaves nothing when it is told to end, or fails', async () => {
    const many = Array.from({length: 600}, (_, index) => ({path: `d/${index}`, content: 'x'}));
    await using image = await openLayeredImage(many);
    const abort = new AbortController();
    setImmediate(() => abort.abort(new Error('enough')));
    const ended = rejectionOf(copy(image, '/d', 'out', {signal: abort.signal}));
    assert.is((await ended).message, 'enough');
    assert.equal(readdirSync(image.destination), []);
  });

  test('writes a tar below the last name of the path, or of what is in a directory', async () => {
    await using image = await openLayeredImage(FILES);
    const namesOf = async (path: string, followsLink = false) => {
      const {content, close} = await image.images.readTar({reference: image.name, path}, {followsLink});
      const input = await buffer(content);
      close();
      const {stdout, status} = spawnSync('tar', ['tf', '-'], {input, encoding: 'utf8'});
      assert.is(status, 0);
      return stdout.trim().split('\n');
    };
    assert.equal(await namesOf('/srv/tool'), ['tool']);
    assert.equal(await namesOf('/srv/www/css'), ['css/', 'css/main.css']);
    assert.equal(await namesOf('/srv/www/css/.'), ['./', 'main.css']);
    assert.equal(await namesOf('/srv/current'), ['current']);
    assert.equal((await namesOf('/srv/current', true)).slice(0, 2), ['current/', 'current/css/']);
  });
});
