import * as assert from 'uvu/assert';
import type {KeptStore} from '../containers/kept/kept-store.ts';
import {networkSkip} from '../containers/networks/network-lab.ts';
import {describe} from '../helpers/suite.ts';
import {type ServedKeptStore, serveKeptStore} from './serve-kept-store.ts';
import {type ServedStore, serveTestStore} from './serve-store.ts';

interface Endpoint {
  readonly NetworkID: string;
  readonly IPAddress: string;
  readonly IPPrefixLen: number;
  readonly Aliases: readonly string[] | null;
}

interface Network {
  readonly Name: string;
  readonly Id: string;
  readonly Driver: string;
  readonly IPAM: {readonly Config: readonly {readonly Subnet: string; readonly Gateway: string}[]};
  readonly Containers: Readonly<Record<string, {readonly Name: string; readonly IPv4Address: string}>>;
}

const filters = (value: object) => `filters=${encodeURIComponent(JSON.stringify(value))}`;
const fail = (): never => {
  throw new Error('the store was not opened');
};

describe('engine-api/networks', ({test, before, after}) => {
  let served: ServedStore;
  const post = (path: string, body: object) => served.ask(`POST ${path}`, {body: JSON.stringify(body)});
  const statusOf = async (line: string) => (await served.ask(line)).status;
  const list = async (query = '') => (await served.ask(`GET /networks${query}`)).json() as readonly Network[];
  const names = async (query: string) => (await list(query)).map(({Name}) => Name);

  before(async () => {
    served = await serveTestStore();
  });
  after(async () => {
    assert.equal(served.bugs, []);
    await served[Symbol.asyncDispose]();
  });

  test('lists the networks of docker, whose ids stay', async () => {
    const first = await list();
    assert.equal(
      first.map(({Name, Driver}) => [Name, Driver]),
      [
        ['bridge', 'bridge'],
        ['host', 'host'],
        ['none', 'null'],
      ],
    );
    for (const {Id} of first) assert.match(Id, /^[0-9a-f]{64}$/);
    assert.equal(await list(), first);
    const bridge = (await served.ask(`GET /networks/${first[0]?.Id}`)).json() as Network;
    assert.is(bridge.Name, 'bridge');
  });

  test('makes a network as it is asked for, lists it by filters, and removes it', async () => {
    const config = [{Subnet: '10.213.9.0/24', Gateway: '10.213.9.254', IPRange: '10.213.9.128/25'}];
    const made = await post('/networks/create', {
      ...{Name: 'shop', CheckDuplicate: true, Driver: 'bridge', EnableIPv6: false, Labels: {ci: 'yes'}},
      ...{IPAM: {Driver: 'default', Config: config}, Options: {'com.docker.network.bridge.enable_icc': 'true'}},
    });
    const {Id} = made.json() as {Id: string};
    assert.is(made.status, 201, made.body.toString());
    assert.is((await post('/networks/create', {Name: 'shop'})).status, 409);
    assert.is((await post('/networks/create', {Name: 'shop2', IPAM: {Config: config}})).status, 403);
    const shop = (await served.ask(`GET /networks/${Id.slice(0, 12)}`)).json() as Network;
    assert.equal([shop.Name, shop.IPAM.Config[0]?.Gateway], ['shop', '10.213.9.254']);
    assert.equal(await names(`?${filters({type: ['custom']})}`), ['shop']);
    assert.equal(await names(`?${filters({label: {'ci=yes': true}})}`), ['shop']);
    assert.equal(await names(`?${filters({driver: ['host', 'null']})}`), ['host', 'none']);
    assert.is(await statusOf(`GET /networks?${filters({color: ['red']})}`), 400);
    const pruned = await post(`/networks/prune?${filters({'label!': ['ci']})}`, {});
    assert.equal(pruned.json(), {NetworksDeleted: null});
    assert.equal((await post('/networks/prune', {})).json(), {NetworksDeleted: ['shop']});
    assert.is(await statusOf('DELETE /networks/shop'), 404);
  });

  test('E05 refuses what is no network with the statuses of docker', async () => {
    for (const name of ['bridge', 'host', 'none']) assert.is(await statusOf(`DELETE /networks/${name}`), 403, name);
    assert.is(await statusOf('GET /networks/nosuch'), 404);
    assert.is((await post('/networks/create', {Name: 'a/b'})).status, 400);
    assert.is((await post('/networks/create', {Name: 'x', Driver: 'overlay'})).status, 501);
    assert.is((await post('/networks/create', {Name: 'x', Options: {color: 'red'}})).status, 400);
    assert.is((await post('/networks/nosuch/connect', {Container: 'x'})).status, 404);
    assert.is((await post('/networks/bridge/connect', {Container: 'nosuch'})).status, 404);
  });
});

describe('engine-api/networks of containers', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip: networkSkip, timeoutMs: 240_000});
  let opened: ServedKeptStore | undefined;
  const store = (): KeptStore => opened?.store ?? fail();
  const post = (path: string, body: object = {}) =>
    (opened ?? fail()).ask(`POST ${path}`, {body: JSON.stringify(body)});
  const read = async <T>(path: string) => (await (opened ?? fail()).ask(`GET ${path}`)).json() as T;
  const networksOf = async (id: string) =>
    (await read<{NetworkSettings: {Networks: Record<string, Endpoint>}}>(`/containers/${id}/json`)).NetworkSettings
      .Networks;
  const makeNetwork = async (Name: string) => ((await post('/networks/create', {Name})).json() as {Id: string}).Id;

  before(async () => {
    if (networkSkip === undefined) opened = await serveKeptStore();
  });
  after(() => opened?.[Symbol.asyncDispose]());

  test('a container joins networks by their ids, before it runs and while it does, and leaves them', async () => {
    const [front, back] = [await makeNetwork('front'), await makeNetwork('back')];
    const created = await post('/containers/create?name=web', {
      ...{Image: 'busybox', Cmd: ['sleep', '600'], HostConfig: {NetworkMode: front.slice(0, 12)}},
      NetworkingConfig: {EndpointsConfig: {[front]: {Aliases: ['www']}}},
    });
    assert.is(created.status, 201, created.body.toString());
    const {front: before} = await networksOf('web');
    assert.equal([before?.NetworkID, before?.Aliases, before?.IPAddress], [front, ['www'], '']);
    assert.is(
      (await post(`/networks/${back}/connect`, {Container: 'web', EndpointConfig: {Aliases: ['db']}})).status,
      200,
    );
    assert.is((await post(`/networks/${back}/connect`, {Container: 'web'})).status, 403);
    assert.is((await post('/containers/web/start')).status, 204);
    const running = await networksOf('web');
    assert.equal(Object.keys(running), ['front', 'back']);
    assert.match(running.back?.IPAddress ?? '', /^\d+\.\d+\.\d+\.\d+$/);
    assert.is(running.back?.IPPrefixLen, 24);
    const {Containers} = await read<Network>('/networks/back');
    assert.equal(
      Object.values(Containers).map(({Name, IPv4Address}) => [Name, IPv4Address]),
      [['web', `${running.back?.IPAddress}/24`]],
    );
    assert.is((await post('/networks/front/disconnect', {Container: 'web', Force: true})).status, 200);
    assert.is((await post('/networks/front/disconnect', {Container: 'web'})).status, 404);
    assert.is((await post('/containers/web/restart?t=0')).status, 204);
    assert.equal(Object.keys(await networksOf('web')), ['back']);
    assert.is((await (opened ?? fail()).ask('DELETE /networks/back')).status, 403);
    await store().requireNoTraces();
    assert.equal((await post('/networks/prune')).json(), {NetworksDeleted: ['back', 'front']});
  });

  test('a container without networks of its own has the one that docker says', async () => {
    const {Id} = (await post('/containers/create', {Image: 'busybox', HostConfig: {NetworkMode: 'none'}})).json() as {
      Id: string;
    };
    assert.equal(Object.keys(await networksOf(Id)), ['none']);
    assert.is((await post('/networks/bridge/connect', {Container: Id})).status, 501);
    const rows =
      await read<readonly {HostConfig: object; NetworkSettings: {Networks: object}}[]>('/containers/json?all=1');
    assert.equal(
      [rows[0]?.HostConfig, Object.keys(rows[0]?.NetworkSettings.Networks ?? {})],
      [{NetworkMode: 'none'}, ['none']],
    );
    await store().requireNoTraces();
  });
});
