import * as assert from 'node:assert/strict';
import {startTokenServer} from '../../fixtures/token-server.ts';
import {describe} from '../helpers/suite.ts';
import {failureOf, printable, withRegistry} from './with-registry.ts';

const alice = {username: 'alice', password: 'canary-password'};
const users = {alice: alice.password};
const wrong = {username: 'alice', password: 'canary-wrong'};
const VERIFIED = {isVerified: true, identityToken: null};

describe('registry/check-login', ({test}) => {
  test('asks the registry, with Basic or for a token without scopes', async () => {
    for (const challenge of ['basic', 'bearer'] as const) {
      await withRegistry({challenge, users}, async ({client, registry}) => {
        assert.deepEqual(await client.checkLogin(registry.host, alice), VERIFIED);
        const error = await failureOf(client.checkLogin(registry.host, wrong));
        assert.deepEqual([error.code, error.kind], ['AUTH_DENIED', 'denied']);
        assert.doesNotMatch(printable(error), /canary/);
        const tokens = registry.requests.filter(({class: kind}) => kind === 'token');
        assert.ok(tokens.every(({url}) => !url.includes('scope=')));
      });
    }
  });

  test('plays no part in what the client knows otherwise', () =>
    withRegistry({challenge: 'basic', users}, async ({client, name, registry}) => {
      await client.checkLogin(registry.host, alice);
      assert.equal((await failureOf(client.getManifest(name, '1.0'))).code, 'AUTH_REQUIRED');
    }));

  test('says when nobody looked at the password', () =>
    withRegistry({}, async ({client, registry}) => {
      assert.deepEqual(await client.checkLogin(registry.host, alice), {isVerified: false, identityToken: null});
      assert.ok(registry.requests.every(({headers}) => headers.authorization === undefined));
    }));

  test('takes 403 for a refusal, and any other answer for no answer', async () => {
    for (const status of [403, 404, 418]) {
      await withRegistry({faults: [{on: 'ping', status, body: '{}'}]}, async ({client, registry}) => {
        const error = await failureOf(client.checkLogin(registry.host, alice));
        assert.equal(error.code === 'AUTH_DENIED', status === 403, error.message);
      });
    }
  });

  test('hands on the token that is to be kept in place of the password', async () => {
    await using tokens = await startTokenServer({users, hasRefreshTokens: true});
    await withRegistry({challenge: 'bearer', realm: tokens.realm}, async ({client, registry}) => {
      const headers = {'www-authenticate': `Bearer realm="${tokens.realm}",service="${tokens.service}"`};
      // The fixture knows no foreign tokens: the second answer is to say that this one will do.
      registry.setFaults([
        {on: 'ping', times: 1, status: 401, headers},
        {on: 'ping', status: 200, body: '{}'},
      ]);
      const {isVerified, identityToken} = await client.checkLogin(registry.host, alice);
      assert.deepEqual([isVerified, identityToken?.startsWith('refresh-')], [true, true]);
    });
  });
});
