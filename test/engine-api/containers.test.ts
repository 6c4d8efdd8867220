import * as assert from 'uvu/assert';
import type {KeptStore} from '../containers/kept/kept-store.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {type ServedKeptStore, serveKeptStore} from './serve-kept-store.ts';
import type {Served} from './serve-store.ts';

const skip = missingFor('runc', 'busybox', 'conmon');

describe('engine-api/containers', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 240_000});
  let opened: ServedKeptStore | undefined;
  const store = (): KeptStore => opened?.store ?? fail();
  const ask: Served['ask'] = (...args) => (opened ?? fail()).ask(...args);
  const statusOf = async (line: string) => (await ask(line)).status;
  const list = async (query = '') => (await ask(`GET /containers/json${query}`)).json() as Record<string, unknown>[];

  before(async () => {
    if (skip === undefined) opened = await serveKeptStore();
  });
  after(() => opened?.[Symbol.asyncDispose]());

  test('lists what runs, or all, or what filters ask for', async () => {
    const [runs, made] = [
      await store().start('sleep 600', {name: 'web', container: {labels: {a: 'b'}}}),
      await store().create('true'),
    ];
    const [row] = await list();
    assert.equal([row?.Id, row?.Names, row?.Image, row?.State], [runs, ['/web'], 'busybox', 'running']);
    assert.match(String(row?.Status), /^Up \d+ seconds?$/);
    const ids = async (query: string) => (await list(query)).map(({Id}) => Id);
    assert.equal(await ids('?all=1'), [made, runs]);
    assert.equal(await ids('?limit=1'), [made]);
    const filtered = (filters: object) => ids(`?filters=${encodeURIComponent(JSON.stringify(filters))}`);
    assert.equal(await filtered({status: ['created']}), [made]);
    assert.equal(await filtered({label: {'a=b': true}}), [runs]);
    assert.is(await statusOf(`GET /containers/json?filters=${encodeURIComponent('{"color":["red"]}')}`), 400);
    await store().requireNoTraces();
  });

  test('rules a container from its start to its removal, with the statuses of docker', async () => {
    const id = await store().create('trap "exit 5" TERM; echo up; while :; do sleep 0.05; done', {name: 'job'});
    assert.is(await statusOf(`POST /containers/${id.slice(0, 12)}/start`), 204);
    assert.is(await statusOf(`POST /containers/${id}/start`), 304);
    assert.is(await statusOf('POST /containers/job/rename?name=other'), 204);
    const details = (await ask('GET /containers/other/json')).json() as {Name: string; State: {Running: boolean}};
    assert.equal([details.Name, details.State.Running], ['/other', true]);
    const top = (await ask('GET /containers/other/top')).json() as {Titles: string[]; Processes: string[][]};
    assert.is(top.Processes[0]?.length, top.Titles.length);
    assert.is(await statusOf('POST /containers/other/pause'), 204);
    assert.is(await statusOf('POST /containers/other/pause'), 409);
    assert.is(await statusOf('POST /containers/other/unpause'), 204);
    assert.is(await statusOf('DELETE /containers/other'), 409);
    const waiting = ask('POST /containers/other/wait?condition=next-exit');
    assert.is(await statusOf('POST /containers/other/stop?t=20'), 204);
    assert.equal((await waiting).json(), {StatusCode: 5});
    assert.is(await statusOf('POST /containers/other/stop'), 304);
    assert.is(await statusOf('POST /containers/other/restart'), 204);
    assert.is(await statusOf('POST /containers/other/kill?signal=KILL'), 204);
    const killed = (await ask('GET /containers/other/json')).json() as {State: {Running: boolean}};
    assert.is(killed.State.Running, false);
    assert.equal((await ask('POST /containers/other/wait')).json(), {StatusCode: 137});
    assert.is(await statusOf('DELETE /containers/other?v=1'), 204);
    for (const line of ['GET /containers/other/json', 'POST /containers/other/start', 'POST /containers/other/wait']) {
      assert.is(await statusOf(line), 404, line);
    }
    assert.is(await statusOf('POST /containers/other/wait?condition=nonsense'), 400);
    await store().requireNoTraces();
  });

  test('gives logs in frames of their streams', async () => {
    const id = await store().start('echo out; echo err >&2; touch /new');
    await store().toolkit.containers.wait(id);
    const logs = await ask(`GET /containers/${id}/logs?stdout=1&stderr=1&follow=1`);
    assert.is(logs.headers['content-type'], 'application/vnd.docker.multiplexed-stream');
    const frame = (stream: number, text: string) =>
      Buffer.from([stream, 0, 0, 0, 0, 0, 0, text.length, ...Buffer.from(text)]);
    const frames = [frame(1, 'out\n'), frame(2, 'err\n')].map((bytes) => bytes.toString('latin1'));
    assert.equal(
      logs.body
        .toString('latin1')
        .split(/(?=[\x01\x02]\0\0\0)/)
        .toSorted(),
      frames,
    );
    const errors = await ask(`GET /containers/${id}/logs?stderr=1`);
    assert.equal(errors.body, frame(2, 'err\n'));
    assert.is(await statusOf(`GET /containers/${id}/logs`), 400);
    const changes = (await ask(`GET /containers/${id}/changes`)).json();
    assert.equal(changes, [{Path: '/new', Kind: 1}]);
    const pruned = (await ask('POST /containers/prune')).json() as {ContainersDeleted: string[]};
    assert.equal(pruned.ContainersDeleted, [id]);
    await store().requireNoTraces();
  });
});

const fail = (): never => {
  throw new Error('the store was not opened');
};
