import {once} from 'node:events';
import {type IncomingMessage, request as startRequest} from 'node:http';
import * as assert from 'uvu/assert';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {describe} from '../helpers/suite.ts';
import {baseTar, imageOf} from '../images/sample-images.ts';
import {type ServedStore, serveTestStore} from './serve-store.ts';

describe('engine-api/system', ({test, before, after}) => {
  let served: ServedStore;

  before(async () => {
    served = await serveTestStore();
  });
  after(async () => {
    assert.equal(served.bugs, []);
    await served[Symbol.asyncDispose]();
  });

  test('refuses to build when it has been sent all, so that clients read why', async () => {
    const build = await served.ask('POST /build?t=app', {body: Buffer.alloc(8 * 1024 * 1024)});
    assert.is(build.status, 501);
    assert.match(build.body.toString(), 'buildah');
    const session = await served.ask('POST /session', {headers: {Connection: 'Upgrade', Upgrade: 'h2c'}});
    assert.is(session.status, 501);
    assert.match(session.body.toString(), 'buildah');
  });

  test('has no plugins', async () => {
    assert.equal((await served.ask('GET /plugins')).json(), []);
  });

  test('tells events as they come, with the names of old clients, and its head before', async () => {
    await using registry = await startRegistry();
    registry.put('app', '1', imageOf([baseTar]));
    const followed = startRequest({socketPath: served.socketPath, path: '/events', agent: false}).end();
    const [response] = (await once(followed, 'response')) as [IncomingMessage];
    await served.store.toolkit.images.pull(`${registry.host}/app:1`);
    const [piece] = (await once(response, 'data')) as [Buffer];
    const event = JSON.parse(piece.toString().split('\n')[0] ?? '') as Readonly<Record<string, unknown>>;
    assert.equal([event.Type, event.Action, event.status], ['image', 'pull', 'pull']);
    assert.is(event.id, (event.Actor as {readonly ID: string}).ID);
    response.destroy();
  });
});
