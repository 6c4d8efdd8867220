import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {request as startRequest} from 'node:http';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {gzipSync} from 'node:zlib';
import * as assert from 'uvu/assert';
import {buildTar} from '../../fixtures/build-tar.ts';
import type {CreateRequest} from '../../src/containers/kept/create-container.ts';
import type {KeptStore} from '../containers/kept/kept-store.ts';
import {listTree} from '../helpers/file-tree.ts';
import {missingEntry, missingFor} from '../helpers/requires.ts';
import {requireProgram} from '../helpers/run-program.ts';
import {noteStarted} from '../helpers/started-processes.ts';
import {describe} from '../helpers/suite.ts';
import {hostileLayers} from '../layers/hostile-layers.ts';
import {type ServedKeptStore, serveKeptStore} from './serve-kept-store.ts';
import type {Answer, Served} from './serve-store.ts';

const skip = missingFor('runc', 'busybox', 'conmon') ?? missingEntry();
const VOLUME = {container: {mounts: [{type: 'volume', target: '/data'}]}} as const;
const SCRIPT = 'mkdir -p /srv/www && echo page > /srv/www/page && ln -s www /srv/link && echo v > /data/v; echo up';

describe('engine-api/container-archives', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 240_000});
  let opened: ServedKeptStore | undefined;
  let host = '';
  const store = (): KeptStore => opened?.store ?? fail();
  const ask: Served['ask'] = (...args) => (opened ?? fail()).ask(...args);
  const archive = (id: string, path: string, more = '') =>
    `/containers/${id}/archive?path=${encodeURIComponent(path)}${more}`;
  const put = (id: string, path: string, body: Buffer, more?: string) => ask(`PUT ${archive(id, path, more)}`, {body});
  const statusOf = async (answer: Promise<Answer>) => (await answer).status;
  const messageOf = (answer: Answer) => (answer.json() as {message: string}).message;

  before(async () => {
    host = mkdtempSync(join(tmpdir(), 'winch-archive-'));
    if (skip === undefined) opened = await serveKeptStore();
  });
  after(async () => {
    rmSync(host, {recursive: true});
    await opened?.[Symbol.asyncDispose]();
  });

  const startReady = async (script: string, more?: Partial<CreateRequest>) => {
    const id = await store().start(`${script}; while :; do sleep 0.05; done`, more);
    for await (const {bytes} of store().toolkit.containers.logs(id, {follow: true})) if (bytes.includes('up\n')) break;
    return id;
  };
  /** The same container once while it runs and once when it has ended. */
  const inBothStates = async (body: (id: string) => Promise<void>) => {
    const running = await startReady(SCRIPT, VOLUME);
    const ended = await store().start(SCRIPT, VOLUME);
    await store().toolkit.containers.wait(ended);
    for (const id of [running, ended]) await body(id);
    for (const id of [running, ended]) await store().toolkit.containers.remove(id, {force: true, removesVolumes: true});
    await store().requireNoTraces();
  };
  const namesIn = async (tar: Buffer) => {
    const path = join(host, 'listed.tar');
    writeFileSync(path, tar);
    return (await requireProgram('tar', ['tPf', path])).trimEnd().split('\n');
  };
  const contentOf = async (id: string, path: string) => {
    const answer = await ask(`GET ${archive(id, path)}`);
    assert.is(answer.status, 200, answer.body.toString());
    writeFileSync(join(host, 'one.tar'), answer.body);
    return requireProgram('tar', ['xOf', join(host, 'one.tar')]);
  };
  const statOf = ({headers}: Answer) =>
    JSON.parse(Buffer.from(String(headers['x-docker-container-path-stat']), 'base64').toString());

  test('gives a file or directory as a tar, and says what it is', async () => {
    await inBothStates(async (id) => {
      const directory = await ask(`GET ${archive(id, '/srv/www')}`);
      assert.equal([directory.status, directory.headers['content-type']], [200, 'application/x-tar']);
      assert.equal(await namesIn(directory.body), ['www/', 'www/page']);
      assert.equal([statOf(directory).name, statOf(directory).mode], ['www', 2 ** 31 + 0o755]);
      const link = await ask(`HEAD ${archive(id, '/srv/link')}`);
      const {name, mode, linkTarget, mtime} = statOf(link);
      assert.equal([name, mode, linkTarget], ['link', 2 ** 27 + 0o777, '/srv/www']);
      assert.ok(Math.abs(Date.parse(mtime) - Date.now()) < 600_000);
      const file = await ask(`HEAD ${archive(id, 'srv/www/page')}`);
      assert.equal([statOf(file).size, statOf(file).mode], [5, 0o644]);
      assert.equal(await namesIn((await ask(`GET ${archive(id, '/srv/link/')}`)).body), ['link/', 'link/page']);
      assert.equal(await namesIn((await ask(`GET ${archive(id, '/srv/www/.')}`)).body), ['./', './page']);
      const root = await namesIn((await ask(`GET ${archive(id, '/')}`)).body);
      assert.equal([root[0], root.includes('/srv/www/page')], ['/', true]);
      assert.is(await contentOf(id, '/data/v'), 'v\n');
      for (const method of ['GET', 'HEAD']) {
        for (const missing of ['/missing', '/srv/www/page/deep']) {
          assert.is(await statusOf(ask(`${method} ${archive(id, missing)}`)), 404);
        }
        assert.is(await statusOf(ask(`${method} /containers/${id}/archive`)), 400);
        assert.is(await statusOf(ask(`${method} /containers/none/archive?path=/`)), 404);
      }
    });
  });

  test('puts the files of a tar where they belong, also behind links and into volumes', async () => {
    await inBothStates(async (id) => {
      const tar = buildTar([
        {path: 'srv/link/new', content: 'through a link', uid: 7, gid: 8, mode: 0o640},
        {path: 'data/deep/new', content: 'into a volume'},
        {path: 'own/new', content: 'beside'},
      ]);
      assert.is(await statusOf(put(id, '/', tar)), 200);
      assert.is(await contentOf(id, '/srv/www/new'), 'through a link');
      assert.is(await contentOf(id, '/srv/www/page'), 'page\n');
      assert.is(await contentOf(id, '/data/deep/new'), 'into a volume');
      assert.is(await contentOf(id, '/own/new'), 'beside');
      const lines = await requireProgram('tar', ['tvf', join(host, 'one.tar'), '--numeric-owner']);
      assert.match(lines, /^-rw-r--r-- 0\/0 /);
      assert.is(await statusOf(put(id, '/missing', tar)), 404);
      assert.is(await statusOf(put('none', '/', Buffer.from('no tar'))), 404);
      const refused = await put(id, '/srv/www/page', tar);
      assert.is(refused.status, 400);
      assert.match(messageOf(refused), /is no directory/);
    });
  });

  test('puts one kind of file in the place of another only where that is asked for', async () => {
    await inBothStates(async (id) => {
      const [overDirectory, overFile] = [
        buildTar([{path: 'www', content: 'file'}]),
        buildTar([{path: 'www/page/deep', content: 'deep'}]),
      ];
      const guard = '&noOverwriteDirNonDir=true';
      for (const tar of [overDirectory, overFile]) {
        const answer = await put(id, '/srv', tar, guard);
        assert.is(answer.status, 400);
        assert.match(messageOf(answer), /cannot replace it/);
      }
      assert.is(await contentOf(id, '/srv/www/page'), 'page\n');
      assert.is(await statusOf(put(id, '/srv', overFile, '&noOverwriteDirNonDir=&copyUIDGID=')), 200);
      assert.is(await contentOf(id, '/srv/www/page/deep'), 'deep');
      assert.is(await statusOf(put(id, '/srv', overDirectory)), 200);
      assert.is(await contentOf(id, '/srv/www'), 'file');
    });
  });

  test('E04 a body is unpacked here, and by no program', async () => {
    const id = await startReady('echo up');
    assert.is(await statusOf(put(id, '/tmp', gzipSync(buildTar([{path: 'packed', content: 'packed'}])))), 200);
    assert.is(await contentOf(id, '/tmp/packed'), 'packed');
    const xz = Buffer.concat([Buffer.from('fd377a585a00', 'hex'), Buffer.alloc(1024)]);
    const refused = await put(id, '/tmp', xz);
    assert.is(refused.status, 400);
    assert.match(messageOf(refused), /xz/);
    assert.is(await statusOf(put(id, '/tmp', Buffer.alloc(2048, 7))), 400);
    assert.is(
      await statusOf(put(id, '/tmp', buildTar([{path: 'cut', content: 'x'.repeat(5000)}]).subarray(0, 2048))),
      400,
    );
    await store().requireNoTraces();
  });

  test('E04 what a hostile tar holds stays in the container, or is refused as in a layer', async () => {
    const canary = join(host, 'canary');
    mkdirSync(canary);
    writeFileSync(join(canary, 'secret'), 'of the host');
    const untouched = listTree(canary);
    const id = await startReady('echo up');
    const hostile = hostileLayers(canary).filter(({base}) => base === undefined);
    await put(id, '/tmp', buildTar(hostile.map((_, index) => ({path: `${index}/`, type: 'directory'}))));
    for (const [index, {id: row, title, layer, trailer, expected}] of hostile.entries()) {
      const where = `/tmp/${index}`;
      const answer = await put(id, where, buildTar(layer, trailer === undefined ? {} : {trailer}));
      const isRefused = 'refused' in expected;
      assert.is(answer.status, isRefused ? 400 : 200, `${row} ${title}: ${answer.body}`);
      if (isRefused) assert.match(messageOf(answer), expected.message ?? /./, row);
      assert.equal(listTree(canary), untouched, `${row} ${title}`);
    }
    await store().requireNoTraces();
  });

  test('E04 a container that swaps directories for links meanwhile leads nothing out of it', async () => {
    const guarded = join(host, 'guarded');
    mkdirSync(join(guarded, 'sub'), {recursive: true});
    writeFileSync(join(guarded, 'sub/file'), 'of the host');
    const before = statSync(join(guarded, 'sub')).mtimeMs;
    const id = await startReady(`mkdir -p /w/t/sub; echo own > /w/t/sub/file; ln -s ${guarded} /w/link; echo up`);
    const inside = (name: string) => `/proc/${store().readStart(id).process.pid}/root/w/${name}`;
    const program = join(import.meta.dirname, '../containers/files/swap-program.ts');
    const words = [program, ...['t', 'link'].map(inside)];
    const swapping = spawn(process.execPath, words, {stdio: ['ignore', 'pipe', 'inherit']});
    noteStarted(swapping);
    await once(swapping.stdout, 'data');
    const tar = buildTar([{path: 't/sub/new', content: 'payload'}]);
    const statuses = new Set<number>();
    for (let round = 0; round < 40; round += 1) {
      const [read, written] = await Promise.all([
        ask(`GET ${archive(id, '/w/t/sub/file')}`),
        put(id, '/w', tar, '&noOverwriteDirNonDir=1'),
      ]);
      for (const {status} of [read, written]) statuses.add(status);
      assert.not.ok(read.body.includes('of the host'));
    }
    swapping.kill('SIGKILL');
    assert.ok(statuses.has(200), [...statuses].join());
    assert.equal(readdirSync(join(guarded, 'sub')), ['file']);
    assert.is(readFileSync(join(guarded, 'sub/file'), 'utf8'), 'of the host');
    assert.is(statSync(join(guarded, 'sub')).mtimeMs, before);
    await store().requireNoTraces();
  });

  test('exports all files but those of volumes', async () => {
    await inBothStates(async (id) => {
      const {status, headers, body} = await ask(`GET /containers/${id}/export`);
      assert.equal([status, headers['content-type']], [200, 'application/octet-stream']);
      const names = await namesIn(body);
      const isThere = ['srv/www/page', 'bin/busybox', 'data/v'].map((name) => names.includes(name));
      assert.equal(isThere, [true, true, false]);
    });
    assert.is(await statusOf(ask('GET /containers/none/export')), 404);
  });

  test('a client that goes away in the middle leaves the container free to be started', async () => {
    const id = await store().start('head -c 30000000 /dev/zero > /big');
    await store().toolkit.containers.wait(id);
    const client = new AbortController();
    const {socketPath} = opened ?? fail();
    const asked = startRequest({socketPath, path: `/containers/${id}/export`, signal: client.signal});
    asked.on('error', () => {});
    asked.end();
    const [response] = await once(asked, 'response');
    await once(response, 'data');
    response.on('error', () => {});
    client.abort();
    assert.is(await statusOf(ask(`POST /containers/${id}/start`)), 204);
    await store().requireNoTraces();
  });

  test('tells those who follow events what was read and put', async () => {
    const id = await store().start('echo written > /new');
    await store().toolkit.containers.wait(id);
    await ask(`GET ${archive(id, '/new')}`);
    await ask(`HEAD ${archive(id, '/new')}`);
    await put(id, '/', buildTar([{path: 'more'}]));
    await ask(`GET /containers/${id}/export`);
    await ask(`POST /commit?container=${id}&repo=told&tag=1&comment=note`, {body: 'null'});
    const filters = encodeURIComponent(JSON.stringify({container: [id]}));
    const {body} = await ask(`GET /events?since=1&until=${Date.now() / 1000 + 1}&filters=${filters}`);
    type Told = {readonly Action: string; readonly Actor: {readonly Attributes: Readonly<Record<string, string>>}};
    const events = body
      .toString()
      .trim()
      .split('\n')
      .map((line): Told => JSON.parse(line));
    const actions = events.map(({Action}) => Action);
    assert.equal(actions.slice(actions.indexOf('die') + 1), ['archive-path', 'extract-to-dir', 'export', 'commit']);
    const {comment, imageRef} = events.at(-1)?.Actor.Attributes ?? {};
    assert.equal([comment, imageRef], ['note', 'told:1']);
    await store().requireNoTraces();
  });

  test('makes an image of a container, by the words of the query', async () => {
    const id = await store().start('echo written > /new');
    await store().toolkit.containers.wait(id);
    const changes = encodeURIComponent('CMD ["cat", "/new"]\nLABEL a=b');
    const line = `POST /commit?container=${id}&repo=made&tag=1&author=me&comment=note&changes=${changes}`;
    const committed = await ask(line, {body: 'null'});
    assert.is(committed.status, 201, committed.body.toString());
    const {Id} = committed.json() as {Id: string};
    const image = (await ask('GET /images/made:1/json')).json() as Record<string, unknown>;
    assert.equal([image.Id, image.Author, image.Comment], [Id, 'me', 'note']);
    assert.equal((image.Config as {Labels: unknown}).Labels, {a: 'b'});
    const unnamed = await ask(`POST /commit?container=${id}&pause=0`, {body: '{}'});
    assert.is(unnamed.status, 201);
    assert.is(await statusOf(ask('POST /commit?container=none')), 404);
    assert.is(await statusOf(ask(`POST /commit?container=${id}&repo=UPPER`)), 400);
    assert.is(await statusOf(ask(`POST /commit?container=${id}`, {body: '{"User":"x"}'})), 501);
    await store().requireNoTraces();
  });

  test('changes limits and restarts of a container', async () => {
    const id = await startReady('echo up');
    const update = (body: object) => ask(`POST /containers/${id}/update`, {body: JSON.stringify(body)});
    const changed = await update({
      ...{Memory: 64 * 2 ** 20, MemorySwap: 64 * 2 ** 20, NanoCpus: 5e8, PidsLimit: null, CpuPeriod: 0},
      RestartPolicy: {Name: 'on-failure', MaximumRetryCount: 2},
    });
    assert.is(changed.status, 200, changed.body.toString());
    const {HostConfig} = (await ask(`GET /containers/${id}/json`)).json() as {HostConfig: Record<string, unknown>};
    assert.equal([HostConfig.Memory, HostConfig.NanoCpus], [64 * 2 ** 20, 5e8]);
    assert.equal(HostConfig.RestartPolicy, {Name: 'on-failure', MaximumRetryCount: 2});
    assert.is((await update({RestartPolicy: {Name: 'no'}})).status, 200);
    assert.is((await update({Memory: 1024})).status, 400);
    assert.is((await update({BlkioWeight: 1001})).status, 400);
    assert.is((await update({CpuRealtimePeriod: 300})).status, 501);
    assert.is((await update({Memory: 'x'})).status, 400);
    assert.is(await statusOf(ask('POST /containers/none/update', {body: '{}'})), 404);
    await store().requireNoTraces();
  });
});

const fail = (): never => {
  throw new Error('the store was not opened');
};
