import * as assert from 'uvu/assert';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {describe} from '../helpers/suite.ts';
import {serveTestStore} from './serve-store.ts';

describe('engine-api/auth', ({test}) => {
  test('asks a registry whether it takes a login, and keeps none', async () => {
    await using registry = await startRegistry({challenge: 'basic', users: {me: 'secret'}});
    await using served = await serveTestStore();
    const auth = (body: object) => served.ask('POST /auth', {body: JSON.stringify(body)});
    for (const serveraddress of [registry.host, `http://${registry.host}/v2/`]) {
      const taken = await auth({username: 'me', password: 'secret', serveraddress});
      assert.is(taken.status, 200, taken.body.toString());
      assert.equal(taken.json(), {Status: 'Login Succeeded', IdentityToken: ''});
    }
    const refused = await auth({username: 'me', password: 'wrong', serveraddress: registry.host});
    assert.is(refused.status, 401);
    assert.not.ok(refused.body.includes('wrong'));
    const {registries} = served.store.toolkit;
    assert.is(await registries.getLogin(registry.host), null);
    assert.equal(served.bugs, []);
  });

  test('gives the token that a registry wants in place of a password', async () => {
    await using registry = await startRegistry({challenge: 'bearer', users: {me: 'secret'}});
    await using served = await serveTestStore();
    const body = JSON.stringify({username: 'me', password: 'secret', serveraddress: registry.host});
    const taken = await served.ask('POST /auth', {body});
    assert.is(taken.status, 200, taken.body.toString());
    assert.type((taken.json() as {IdentityToken: unknown}).IdentityToken, 'string');
  });

  test('E05 refuses what is no login', async () => {
    await using served = await serveTestStore();
    for (const body of ['', '{}', '[]', '{"username":7}', '{"username":"a","serveraddress":"-"}']) {
      const answer = await served.ask('POST /auth', {body});
      assert.is(answer.status, 400, body);
      assert.type((answer.json() as {message: unknown}).message, 'string');
    }
    assert.equal(served.bugs, []);
  });
});
