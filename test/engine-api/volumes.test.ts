import * as assert from 'uvu/assert';
import {describe} from '../helpers/suite.ts';
import {type ServedStore, serveTestStore} from './serve-store.ts';

interface Volume {
  readonly Name: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly Options: Readonly<Record<string, string>> | null;
}

describe('engine-api/volumes', ({test, before, after}) => {
  let served: ServedStore;
  const post = (path: string, body?: object) => served.ask(`POST ${path}`, body && {body: JSON.stringify(body)});
  const statusOf = async (line: string) => (await served.ask(line)).status;
  const filters = (value: object) => `filters=${encodeURIComponent(JSON.stringify(value))}`;
  const list = async (query = '') => {
    const {Volumes} = (await served.ask(`GET /volumes${query}`)).json() as {Volumes: readonly Volume[]};
    return Volumes.map(({Name}) => Name);
  };

  before(async () => {
    served = await serveTestStore();
  });
  after(async () => {
    assert.equal(served.bugs, []);
    await served[Symbol.asyncDispose]();
  });

  test('makes volumes, lists them by filters, and removes them', async () => {
    const made = await post('/volumes/create', {Name: 'data', Labels: {tier: 'db'}});
    assert.equal([made.status, (made.json() as Volume).Labels], [201, {tier: 'db'}]);
    const share = {Name: 'share', DriverOpts: {type: 'nfs', device: ':/x', o: 'addr=10.0.0.7'}};
    assert.equal(((await post('/volumes/create', share)).json() as Volume).Options, share.DriverOpts);
    assert.equal(await list(), ['data', 'share']);
    assert.equal(await list(`?${filters({label: ['tier=db']})}`), ['data']);
    assert.equal(await list(`?${filters({name: {sha: true}})}`), ['share']);
    assert.is(await statusOf('GET /volumes/data'), 200);
    assert.is(await statusOf('DELETE /volumes/data'), 204);
    assert.is(await statusOf('DELETE /volumes/data'), 404);
    assert.is(await statusOf('DELETE /volumes/data?force=1'), 204);
    assert.is(await statusOf('GET /volumes/data'), 404);
    assert.is(await statusOf('DELETE /volumes/share'), 204);
  });

  test('prunes volumes without a name, or all', async () => {
    const {Name} = (await post('/volumes/create')).json() as Volume;
    await post('/volumes/create', {Name: 'kept', Labels: {keep: ''}});
    const prune = async (query: string) =>
      ((await post(`/volumes/prune?${query}`)).json() as {VolumesDeleted: readonly string[]}).VolumesDeleted;
    assert.equal(await prune(''), [Name]);
    assert.equal(await prune(filters({all: ['true'], 'label!': ['keep']})), []);
    assert.equal(await prune(filters({all: ['true']})), ['kept']);
    assert.is((await post(`/volumes/prune?${filters({until: ['1h']})}`)).status, 501);
  });

  test('E05 refuses what is no volume with the statuses of docker', async () => {
    assert.is((await post('/volumes/create', {Name: '../x'})).status, 400);
    assert.is((await post('/volumes/create', {Name: 'x', Driver: 'nfs'})).status, 501);
    assert.is((await post('/volumes/create', {Name: 'x', DriverOpts: {size: '1'}})).status, 400);
    assert.is((await post('/volumes/create', {Name: 7})).status, 400);
    assert.is(await statusOf(`GET /volumes?${filters({size: ['1']})}`), 400);
    assert.equal(await list(), []);
  });
});
