import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {buffer} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {buildTar} from '../../../fixtures/build-tar.ts';
import {isWinchError} from '../../../src/errors.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {missingEntry, missingFor} from '../../helpers/requires.ts';
import {runProgram} from '../../helpers/run-program.ts';
import {describe} from '../../helpers/suite.ts';
import {eventually, IMAGE, type KeptStore, openKeptStore} from '../kept/kept-store.ts';

const skip = missingFor('runc', 'busybox', 'conmon') ?? missingEntry();

describe('containers/files/copy', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 240_000});
  let opened: KeptStore | undefined;
  let host = '';
  const store = (): KeptStore => opened ?? fail();
  const containers = () => store().toolkit.containers;
  const codeOf = async (work: Promise<unknown>) => (await rejectionOf(work)).code;
  const at = (name: string) => join(host, name);

  before(async () => {
    host = mkdtempSync(join(tmpdir(), 'winch-copy-'));
    if (skip === undefined) opened = await openKeptStore();
  });
  after(async () => {
    rmSync(host, {recursive: true});
    await opened?.[Symbol.asyncDispose]();
  });

  const SCRIPT = [
    'mkdir -p /srv/www/deep && echo page > /srv/www/page && ln -s page /srv/www/link',
    'ln -s /srv/www /alias && echo volume > /data/file && echo ready',
  ].join(' && ');
  const MOUNTS = {container: {mounts: [{type: 'volume', source: 'copied', target: '/data'}]}} as const;
  /** The same container once while it runs and once when it has ended. */
  const inBothStates = async (body: (container: string) => Promise<void>) => {
    const running = await store().start(`${SCRIPT}; while :; do sleep 0.05; done`, MOUNTS);
    for await (const {bytes} of containers().logs(running, {follow: true})) if (bytes.includes('ready\n')) break;
    const ended = await store().start(SCRIPT, MOUNTS);
    assert.is(await containers().wait(ended), 0);
    for (const container of [running, ended]) await body(container);
    for (const container of [running, ended]) await containers().remove(container, {force: true});
    await store().toolkit.volumes.remove('copied');
    await store().requireNoTraces();
  };

  test('a file, a directory, its content, and what a link leads to come out as docker has it', async () => {
    await inBothStates(async (container) => {
      const destination = mkdtempSync(at('out-'));
      const copy = (path: string, to: string, options = {}) =>
        containers().copyFrom({container, path, destination: join(destination, to)}, options);
      const {files, bytes, path} = await copy('/srv/www/page', '');
      assert.equal([files, bytes, path], [1, 5, join(destination, 'page')]);
      await copy('/alias/.', 'content');
      assert.equal(readdirSync(join(destination, 'content')).toSorted(), ['deep', 'link', 'page']);
      assert.is(readlinkSync(join(destination, 'content/link')), 'page');
      await copy('/alias', 'as-link');
      assert.ok(lstatSync(join(destination, 'as-link')).isSymbolicLink());
      await copy('/alias', 'followed', {followsLink: true});
      assert.equal(readdirSync(join(destination, 'followed')).length, 3);
      await copy('data/file', 'volume');
      assert.is(readFileSync(join(destination, 'volume'), 'utf8'), 'volume\n');
      assert.is(await codeOf(copy('/missing', 'x')), 'PATH_UNKNOWN');
      assert.is(await codeOf(copy('/srv/missing/deep', 'x')), 'PATH_UNKNOWN');
    });
  });

  test('comes out as a tar with owners and modes', async () => {
    await inBothStates(async (container) => {
      const {content, close} = await containers().readTar({container, path: '/srv/www'});
      const tar = await buffer(content);
      close();
      writeFileSync(at('listed.tar'), tar);
      const {stdout} = await runProgram('tar', ['tvf', at('listed.tar'), '--numeric-owner']);
      const lines = stdout.trimEnd().split('\n');
      assert.equal(
        lines.map((line) => line.split(' ').at(-1)),
        ['www/', 'www/deep/', 'page', 'www/page'],
      );
      assert.match(lines[3] ?? '', /^-rw-r--r-- 0\/0 +5 /);
    });
  });

  test('files, directories and tars go in, where the container sees them', async () => {
    mkdirSync(at('site/sub'), {recursive: true});
    writeFileSync(at('site/page'), 'new page\n', {mode: 0o640});
    writeFileSync(at('site/sub/other'), 'other\n');
    symlinkSync('/etc/passwd', at('site/outside'));
    await inBothStates(async (container) => {
      const copy = (source: string, path: string, options = {}) =>
        containers().copyTo({container, source, path}, options);
      await copy(`${at('site')}/.`, '/alias');
      await copy(at('site/page'), '/srv/renamed');
      await copy(at('site'), '/data');
      await containers().copyTo({
        container,
        path: '/srv',
        source: pieces(buildTar([{path: 'tar/owned', content: 'x', uid: 7, gid: 8, mode: 0o600}])),
      });
      assert.is(await codeOf(copy(at('site'), '/srv/renamed')), 'DESTINATION_INVALID');
      assert.is(await codeOf(copy(at('site/page'), '/missing/deep')), 'PATH_UNKNOWN');
      assert.is(await codeOf(copy(at('nothing'), '/srv')), 'SOURCE_MISSING');
      assert.is(await codeOf(copy(at('site/page'), '/new/')), 'DESTINATION_INVALID');
      const seen = mkdtempSync(at('seen-'));
      for (const path of ['/srv', '/data/site']) {
        await containers().copyFrom({container, path, destination: seen}, {keepsOwners: true});
      }
      assert.equal(readdirSync(join(seen, 'srv')).toSorted(), ['renamed', 'tar', 'www']);
      assert.equal(readdirSync(join(seen, 'srv/www')).toSorted(), ['deep', 'link', 'outside', 'page', 'sub']);
      assert.is(readFileSync(join(seen, 'srv/www/page'), 'utf8'), 'new page\n');
      assert.is(statSync(join(seen, 'srv/renamed')).mode & 0o7777, 0o640);
      assert.is(readlinkSync(join(seen, 'srv/www/outside')), '/etc/passwd');
      const owned = statSync(join(seen, 'srv/tar/owned'));
      assert.equal([owned.uid, owned.gid, owned.mode & 0o7777], [7, 8, 0o600]);
      assert.equal(readdirSync(join(seen, 'site')).toSorted(), ['outside', 'page', 'sub']);
    });
  });

  test('nothing is put where a container may only read, and nothing mounted is removed, whether it runs or not', async () => {
    mkdirSync(at('shared'));
    writeFileSync(at('read'), 'of the host');
    const mounts = [
      {type: 'bind', source: at('shared'), target: '/bind', readOnly: true, createSource: false},
      {type: 'volume', source: 'read', target: '/vol/ume', readOnly: true},
      {type: 'volume', source: 'written', target: '/srv/written'},
    ] as const;
    const start = async (script: string) =>
      store().start(`echo v > /srv/written/file && echo up; ${script}`, {container: {mounts, readOnlyRootfs: true}});
    const running = await start('while :; do sleep 0.05; done');
    for await (const {bytes} of containers().logs(running, {follow: true})) if (bytes.includes('up\n')) break;
    const ended = await start('true');
    await containers().wait(ended);
    for (const container of [running, ended]) {
      for (const path of ['/bind', '/bind/new', '/vol/ume', '/tmp', '/new'])
        assert.is(
          await codeOf(containers().copyTo({container, source: at('read'), path})),
          'DESTINATION_READ_ONLY',
          path,
        );
      await containers().copyTo({container, source: at('read'), path: '/srv/written'});
    }
    const other = await store().start('true', {container: {mounts: [mounts[2]]}});
    await containers().wait(other);
    const tar = buildTar([{path: 'srv', content: 'in the place of a directory with a volume in it'}]);
    const put = containers().copyTo({container: other, source: pieces(tar), path: '/'}, {replacesOtherKinds: true});
    assert.is(await codeOf(put), 'DESTINATION_INVALID');
    assert.is(
      (await containers().copyFrom({container: other, path: '/srv/written/file', destination: at('kept')})).bytes,
      2,
    );
    assert.equal(readdirSync(at('shared')), []);
    for (const id of [running, ended, other]) await containers().remove(id, {force: true});
    for (const name of ['read', 'written']) await store().toolkit.volumes.remove(name);
    await store().requireNoTraces();
  });

  test('what was copied into a container that has ended is there when it starts again', async () => {
    const id = await store().create('cat /put');
    writeFileSync(at('put'), 'before the first start\n');
    await containers().copyTo({container: id, source: at('put'), path: '/put'});
    await containers().start(id);
    await containers().wait(id);
    assert.is((await store().readLogs(id)).stdout, 'before the first start\n');
    await containers().remove(id);
    await store().requireNoTraces();
  });

  test('a run in the foreground is entered as well', async () => {
    const command = [
      'sh',
      '-c',
      'echo mine > /data/file; echo own > /own; echo up; while [ ! -e /tmp/put ]; do sleep 0.05; done; cat /tmp/put',
    ];
    const container = {command, mounts: [{type: 'volume', target: '/data'}]} as const;
    await using run = await containers().spawn({image: IMAGE, policy: 'never', name: 'front', container});
    let output = '';
    run.stdout.on('data', (piece) => {
      output += piece;
    });
    await eventually(() => output === 'up\n');
    await containers().copyFrom({container: 'front', path: '/data/file', destination: at('of-run')});
    assert.is(readFileSync(at('of-run'), 'utf8'), 'mine\n');
    writeFileSync(at('put-in'), 'put in');
    assert.equal(await containers().diff('front'), [
      {kind: 'A', path: '/data'},
      {kind: 'A', path: '/own'},
    ]);
    const {content, close} = await containers().export('front');
    writeFileSync(at('front.tar'), await buffer(content));
    close();
    const names = (await runProgram('tar', ['tf', at('front.tar')])).stdout.split('\n');
    const isThere = ['bin/busybox', 'own', 'data/', 'data/file'].map((name) => names.includes(name));
    assert.equal(isThere, [true, true, true, false], 'without what is mounted');
    await containers().copyTo({container: 'front', source: at('put-in'), path: '/tmp/put'});
    await run.finished;
    assert.is(output, 'up\nput in');
    assert.is(
      await codeOf(containers().copyFrom({container: 'front', path: '/', destination: host})),
      'CONTAINER_UNKNOWN',
    );
  });

  test('links of a container lead nowhere else, neither for what comes out nor for what goes in', async () => {
    mkdirSync(at('canary'));
    writeFileSync(at('canary/secret'), 'of the host');
    writeFileSync(at('harmless'), 'harmless');
    const script = `ln -s ${at('canary')} /absolute; ln -s ../../../../../../..${at('canary')} /climbing; ln -s /proc/self/root${host} /magic`;
    const id = await store().start(script);
    await containers().wait(id);
    for (const link of ['/absolute', '/climbing', '/magic']) {
      for (const path of [`${link}/secret`, `${link}/canary/secret`]) {
        const copy = containers().copyFrom({container: id, path, destination: at('stolen')}, {followsLink: true});
        assert.match(String(await codeOf(copy)), /^PATH_/);
      }
      const copy = containers().copyTo({container: id, source: at('harmless'), path: `${link}/`});
      assert.match(String(await codeOf(copy)), /^(PATH|DESTINATION)_/);
    }
    assert.equal([readdirSync(at('canary')), existsSync(at('stolen'))], [['secret'], false]);
    await containers().remove(id);
  });

  test('a container that swaps directories for links meanwhile leads nothing out of it', async () => {
    mkdirSync(at('guarded/sub'), {recursive: true});
    for (const name of ['guarded/file', 'guarded/sub/file']) writeFileSync(at(name), 'of the host');
    const times = () => ['guarded', 'guarded/sub'].map((name) => statSync(at(name)).mtimeMs);
    const before = times();
    const id = await store().start(
      `mkdir -p /w/t/sub; echo own > /w/t/file; echo own > /w/t/sub/file; ln -s ${at('guarded')} /w/link; echo up; sleep 600`,
    );
    for await (const {bytes} of containers().logs(id, {follow: true})) if (bytes.includes('up\n')) break;
    const inside = (name: string) => `/proc/${store().readStart(id).process.pid}/root/w/${name}`;
    const program = join(import.meta.dirname, 'swap-program.ts');
    const words = [program, ...['t', 'link'].map(inside)];
    const swapping = spawn(process.execPath, words, {stdio: ['ignore', 'pipe', 'inherit']});
    await once(swapping.stdout, 'data');
    mkdirSync(at('payload/sub'), {recursive: true});
    for (const name of ['payload/new', 'payload/sub/new']) writeFileSync(at(name), 'payload');
    const outcomes = [];
    for (let round = 0; round < 40; round += 1) {
      const destination = mkdtempSync(at('caught-'));
      outcomes.push(
        ...(await Promise.allSettled([
          containers().copyFrom({container: id, path: '/w/t/.', destination}),
          containers().copyTo({container: id, source: `${at('payload')}/.`, path: '/w/t'}),
        ])),
      );
      for (const name of ['file', 'sub/file']) {
        if (existsSync(join(destination, name))) assert.is(readFileSync(join(destination, name), 'utf8'), 'own\n');
      }
    }
    swapping.kill('SIGKILL');
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') assert.ok(isWinchError(outcome.reason), outcome.reason.stack);
    }
    assert.ok(outcomes.some(({status}) => status === 'fulfilled'));
    assert.ok(outcomes.some(({status}) => status === 'rejected'));
    assert.equal(readdirSync(at('guarded')).toSorted(), ['file', 'sub']);
    assert.equal(times(), before);
    await containers().remove(id, {force: true});
    await store().requireNoTraces();
  });
});

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

const fail = (): never => {
  throw new Error('the store was not opened');
};
