import {once} from 'node:events';
import {request as startRequest} from 'node:http';
import {text} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {appTar, baseTar, imageOf, otherTar} from '../images/sample-images.ts';
import {type ServedStore, serveTestStore} from './serve-store.ts';

describe('engine-api/images', ({test}) => {
  const pull = async (served: ServedStore, image: string, tag: string, headers = {}) =>
    served.ask(`POST /images/create?fromImage=${encodeURIComponent(image)}&tag=${tag}`, {headers});
  const tagsOf = (rows: unknown) => (rows as {RepoTags: string[]}[]).flatMap(({RepoTags}) => RepoTags);

  test('pulls with progress, and lists, inspects and shows the history of what it has', async () => {
    await using registry = await startRegistry();
    await using served = await serveTestStore();
    const image = imageOf([baseTar, appTar]);
    registry.put('app', '1', image);
    const name = `${registry.host}/app`;
    const pulled = await pull(served, name, '1');
    assert.is(pulled.status, 200);
    const statuses = pulled.lines().map((line) => (line as {status: string}).status);
    assert.is(statuses[0], 'Pulling from app');
    for (const status of ['Pulling fs layer', 'Pull complete']) {
      assert.is(statuses.filter((told) => told === status).length, 2);
    }
    assert.is(statuses.at(-1), `Status: Downloaded newer image for ${name}:1`);
    const again = await pull(served, name, '1');
    assert.match(JSON.stringify(again.lines().at(-1)), /Image is up to date/);
    assert.equal(again.lines()[0], {status: 'Pulling from app', id: '1'});
    registry.put('app', '2', imageOf([baseTar, otherTar]));
    const partly = (await pull(served, name, '2')).lines().map((line) => (line as {status: string}).status);
    assert.equal(
      ['Already exists', 'Pulling fs layer', 'Pull complete'].map(
        (word) => partly.filter((told) => told === word).length,
      ),
      [1, 1, 1],
    );
    await served.ask(`DELETE /images/${name}:2`);
    assert.equal(tagsOf((await served.ask('GET /v1.45/images/json')).json()), [`${name}:1`]);
    const details = (await served.ask(`GET /images/${name}:1/json`)).json() as Record<string, unknown>;
    assert.is(details.Id, image.config.digest);
    assert.equal(details.RepoTags, [`${name}:1`]);
    const history = (await served.ask(`GET /images/${name}:1/history`)).json() as {Id: string}[];
    assert.is(history[0]?.Id, image.config.digest);
    assert.equal(served.bugs, []);
  });

  test('E05 answers as docker does where there is nothing: status and {message}', async () => {
    await using registry = await startRegistry();
    await using served = await serveTestStore();
    for (const [line, status, message] of [
      ['GET /images/none/json', 404, /^No such image: none:latest$/],
      ['DELETE /images/none', 404, /No such image/],
      ['DELETE /images/none?platforms={"os":"linux"}', 501, /one platform/],
      [`POST /images/create?fromImage=${registry.host}/none&tag=1`, 404, /none/],
      ['POST /images/create?fromImage=UPPER', 400, /UPPER/],
      ['GET /images/json?filters={', 400, /filters/],
      ['GET /images/json?filters={"since":["x"]}', 404, /No such image: x:latest/],
      ['GET /images/json?filters={"color":["red"]}', 400, /color=red/],
      ['POST /images/prune?filters={"color":["red"]}', 501, /color/],
      ['GET /images/search?term=x', 501, /search/],
      ['POST /build', 501, /build/],
      ['GET /nothing', 404, /page not found/],
      ['GET /v1.99/images/json', 400, /too new/],
    ] as const) {
      const answer = await served.ask(encodeURI(line).replace('%20', ' '));
      assert.is(answer.status, status, line);
      assert.match((answer.json() as {message: string}).message, message, line);
    }
    const refused = await pull(served, `${registry.host}/none`, '1', {'X-Registry-Auth': 'not base64!'});
    assert.is(refused.status, 400);
    assert.equal(served.bugs, []);
  });

  test('shows the login of a request to its registry, and only for that request', async () => {
    await using registry = await startRegistry({challenge: 'basic', users: {me: 'secret'}});
    await using served = await serveTestStore();
    registry.put('app', '1', imageOf([baseTar]));
    const login = Buffer.from(JSON.stringify({username: 'me', password: 'secret'})).toString('base64url');
    assert.is((await pull(served, `${registry.host}/app`, '1')).status, 401);
    assert.is((await pull(served, `${registry.host}/app`, '1', {'X-Registry-Auth': login})).status, 200);
    assert.is((await pull(served, `${registry.host}/app`, '1')).status, 401);
  });

  test('E03 a client that goes away does not cancel a pull for another, with a login or without', async () => {
    await using registry = await startRegistry({challenge: 'basic', users: {me: 'secret'}});
    await using served = await serveTestStore();
    const login = Buffer.from(JSON.stringify({username: 'me', password: 'secret'})).toString('base64url');
    const headers = {'X-Registry-Auth': login};
    const image = imageOf([baseTar]);
    registry.put('app', '1', image);
    const layer = String(image.layers[0]?.digest);
    registry.setFaults([{on: 'blob', matching: layer, slow: {bytes: 10, pauseMs: 50}}]);
    const path = `/images/create?fromImage=${registry.host}/app&tag=1`;
    const leaver = startRequest({socketPath: served.socketPath, method: 'POST', path, headers, agent: false});
    leaver.on('error', () => {});
    leaver.end();
    const [response] = await once(leaver, 'response');
    response.on('error', () => {});
    const reads = () =>
      registry.requests.filter(({url, status}) => url.includes(layer) && status >= 200 && status < 300);
    await waitFor(() => reads().length > 0);
    const stayer = startRequest({socketPath: served.socketPath, method: 'POST', path, headers, agent: false});
    stayer.end();
    const [answer] = await once(stayer, 'response');
    leaver.destroy();
    const lines = await text(answer);
    assert.match(lines, /"Pulling from app".*"Pulling fs layer".*"Pull complete".*Downloaded newer image/s);
    assert.is(reads().length, 1);
    assert.equal(served.bugs, []);
  });

  test('says what a registry has, and that nothing is built here', async () => {
    await using registry = await startRegistry();
    await using served = await serveTestStore();
    const {manifest} = imageOf([baseTar]);
    registry.put('app', '1', imageOf([baseTar]));
    const found = await served.ask(`GET /distribution/${registry.host}/app:1/json`);
    const {mediaType, digest, bytes} = manifest;
    const Descriptor = {mediaType, digest, size: bytes.length};
    assert.equal(found.json(), {Descriptor, Platforms: [{os: 'linux', architecture: 'amd64'}]});
    assert.is((await served.ask(`GET /distribution/${registry.host}/none:1/json`)).status, 404);
    assert.equal((await served.ask('POST /build/prune')).json(), {CachesDeleted: null, SpaceReclaimed: 0});
    assert.is((await served.ask('POST /images/create?fromSrc=http://x/y.tar&repo=x')).status, 501);
    assert.equal(served.bugs, []);
  });

  test('tags, saves, removes, loads, imports and prunes', async () => {
    await using registry = await startRegistry();
    await using served = await serveTestStore();
    registry.put('app', '1', imageOf([baseTar]));
    const name = `${registry.host}/app:1`;
    await pull(served, `${registry.host}/app`, '1');
    assert.is((await served.ask(`POST /images/${name}/tag?repo=other&tag=2`)).status, 201);
    const archive = await served.ask('GET /images/get?names=other:2');
    assert.is(archive.headers['content-type'], 'application/x-tar');
    assert.equal((await served.ask('DELETE /images/other:2')).json(), [{Untagged: 'other:2'}]);
    const loaded = await served.ask('POST /images/load', {body: archive.body});
    assert.equal(loaded.lines(), [{stream: 'Loaded image: other:2\n'}]);
    const single = await served.ask(`GET /images/${name}/get`);
    assert.ok(single.body.length > 1024);
    const imported = await served.ask('POST /images/create?fromSrc=-&repo=made&tag=3', {body: appTar});
    assert.match(JSON.stringify(imported.lines()), /sha256:[0-9a-f]{64}/);
    const filtered = await served.ask(`GET /images/json?filters=${encodeURIComponent('{"reference":{"made":true}}')}`);
    assert.equal(tagsOf(filtered.json()), ['made:3']);
    const all = encodeURIComponent('{"dangling":["false"]}');
    const pruned = (await served.ask(`POST /images/prune?filters=${all}`)).json() as {SpaceReclaimed: number};
    assert.ok(pruned.SpaceReclaimed > 0);
    assert.equal((await served.ask('GET /images/json')).json(), []);
    assert.equal(served.bugs, []);
  });

  test('chooses images by their labels and their age, and says what takes space', async () => {
    await using registry = await startRegistry();
    await using served = await serveTestStore();
    const made = (created: string, tar: Buffer, label: string) =>
      imageOf([tar], {document: {created}, config: {Labels: {kind: label}}});
    registry.put('app', 'old', made('2020-01-01T00:00:00Z', baseTar, 'tool'));
    registry.put('app', 'new', made('2024-01-01T00:00:00Z', appTar, 'service'));
    const name = `${registry.host}/app`;
    for (const tag of ['old', 'new']) await pull(served, name, tag);
    const chosen = async (filters: object) =>
      tagsOf((await served.ask(`GET /images/json?filters=${encodeURIComponent(JSON.stringify(filters))}`)).json());
    assert.equal(await chosen({}), [`${name}:new`, `${name}:old`]);
    assert.equal(await chosen({label: ['kind']}), [`${name}:new`, `${name}:old`]);
    assert.equal(await chosen({label: ['kind=tool']}), [`${name}:old`]);
    assert.equal(await chosen({before: [`${name}:new`]}), [`${name}:old`]);
    assert.equal(await chosen({since: [`${name}:old`]}), [`${name}:new`]);
    assert.equal(await chosen({until: ['2022-01-01']}), [`${name}:old`]);
    assert.equal(await chosen({reference: [`${name}:n*`], dangling: ['false']}), [`${name}:new`]);
    const rows = (await served.ask('GET /images/json?shared-size=1')).json() as Record<string, unknown>[];
    assert.equal([rows[0]?.Labels, rows[0]?.SharedSize], [{kind: 'service'}, 0]);
    const usage = (await served.ask('GET /system/df')).json() as {Images: {RepoTags: string[]; Containers: number}[]};
    assert.equal(tagsOf(usage.Images), [`${name}:new`, `${name}:old`]);
    assert.is(usage.Images[0]?.Containers, 0);
    const some = (await served.ask('GET /system/df?type=volume')).json() as Record<string, unknown>;
    assert.equal(some, {Volumes: []});
    const filters = encodeURIComponent('{"dangling":["false"],"label":["kind=tool"]}');
    await served.ask(`POST /images/prune?filters=${filters}`);
    assert.equal(await chosen({}), [`${name}:new`]);
    const none = (await served.ask(`POST /images/prune?filters=${filters}`)).json();
    assert.equal(none, {ImagesDeleted: null, SpaceReclaimed: 0});
    assert.equal(served.bugs, []);
  });

  test('a load of what is no archive has its error as a status', async () => {
    await using served = await serveTestStore();
    const answer = await served.ask('POST /images/load', {body: Buffer.alloc(10_240, 7)});
    assert.ok(answer.status >= 400, String(answer.status));
    assert.type((answer.json() as {message: unknown}).message, 'string');
    assert.equal(served.bugs, []);
  });
});
