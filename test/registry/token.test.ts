import * as assert from 'node:assert/strict';
import type {Fault} from '../../fixtures/registry-server.ts';
import {describe} from '../helpers/suite.ts';
import {failureOf, IMAGE, printable, withRegistry} from './with-registry.ts';

const PASSWORD = 'canary-password';
const login = {
  challenge: 'bearer',
  users: {alice: PASSWORD},
  clientOptions: {credentials: async () => ({username: 'alice', password: PASSWORD})},
} as const;

const faulty = (fault: Omit<Fault, 'on'>) => ({...login, faults: [{...fault, on: 'token'} as const]});

describe('registry/token', ({test}) => {
  test('takes access_token as well as token', () =>
    withRegistry(faulty({}), async ({client, name, registry}) => {
      await client.getManifest(name, '1.0');
      registry.setFaults([{on: 'token', body: '{"access_token":"token-1"}'}]);
      assert.deepEqual((await client.getManifest(name, '1.0')).bytes, IMAGE.manifest.bytes);
    }));

  const bodies: readonly (readonly [title: string, body: string])[] = [
    ['no JSON', '<html>'],
    ['no object', '[]'],
    ['no token', '{"expires_in":1}'],
    ['an empty token', '{"token":""}'],
    ['a token that is no string', '{"token":7}'],
    ['a token that would break the header', '{"token":"a\\r\\nx-evil: 1"}'],
    ['more than 1 MiB', `{"token":"${'a'.repeat(1_048_577)}"}`],
  ];
  for (const [title, body] of bodies) {
    test(`refuses a reply with ${title}`, () =>
      withRegistry(faulty({body}), async ({client, name}) => {
        const error = await failureOf(client.getManifest(name, '1.0'));
        assert.equal(error.code, 'TOKEN_INVALID');
        assert.equal(error.kind, 'unavailable');
        assert.doesNotMatch(printable(error), /canary/);
      }));
  }

  test('reads at most 1 MiB of an endless reply', () =>
    withRegistry(faulty({body: 'a'.repeat(30_000_000), headers: {'content-length': null}}), async ({client, name}) => {
      assert.equal((await failureOf(client.getManifest(name, '1.0'))).code, 'TOKEN_INVALID');
    }));

  test('does not follow a redirect with the credentials', () =>
    withRegistry({}, async ({registry: other}) =>
      withRegistry(faulty({redirectTo: other.origin}), async ({client, name}) => {
        const error = await failureOf(client.getManifest(name, '1.0'));
        assert.equal(error.code, 'TOKEN_INVALID');
        assert.equal(other.requests.length, 0);
      }),
    ));

  test('refuses an encoded reply', () =>
    withRegistry(faulty({headers: {'content-encoding': 'gzip'}}), async ({client, name}) => {
      assert.equal((await failureOf(client.getManifest(name, '1.0'))).code, 'TOKEN_INVALID');
    }));

  test('says what a failing token server says, without what was sent to it', () => {
    const body = JSON.stringify({errors: [{code: 'OOPS', message: `you sent ${PASSWORD}`}]});
    return withRegistry(faulty({status: 500, body}), async ({client, name}) => {
      const error = await failureOf(client.getManifest(name, '1.0'));
      assert.equal(error.code, 'REGISTRY_ERROR');
      assert.match(error.message, /answered 500 for a token .*: you sent \*\*\*(;|$)/);
      assert.doesNotMatch(printable(error), /canary/);
    });
  });

  test('takes 401 and 403 of the token server for a refused login', async () => {
    for (const status of [401, 403]) {
      await withRegistry(faulty({status}), async ({client, name}) => {
        assert.equal((await failureOf(client.getManifest(name, '1.0'))).code, 'AUTH_DENIED');
      });
    }
  });

  test('tells that the token server limits requests', () =>
    withRegistry(faulty({status: 429}), async ({client, name}) => {
      assert.equal((await failureOf(client.getManifest(name, '1.0'))).code, 'RATE_LIMITED');
    }));

  test('A04 takes whatever is said about the life of a token: only a 401 ends it', async () => {
    for (const rest of [
      '"expires_in":-1',
      '"expires_in":0',
      '"expires_in":1e12',
      '"issued_at":"1970-01-01T00:00:00Z"',
    ]) {
      await withRegistry(login, async ({client, name, registry}) => {
        // The first token that the fixture issues has this name.
        registry.setFaults([{on: 'token', body: `{"token":"token-1",${rest}}`}]);
        for (let count = 0; count < 3; count++) await client.getManifest(name, '1.0');
        const classes = registry.requests.map((request) => request.class);
        assert.equal(classes.filter((kind) => kind === 'token').length, 1, rest);
      });
    }
  });

  test('A04 prefers token where the reply has access_token as well', () =>
    withRegistry(faulty({body: '{"access_token":"other","token":"token-1"}'}), async ({client, name, registry}) => {
      await client.getManifest(name, '1.0');
      assert.equal(registry.requests.at(-1)?.headers.authorization, 'Bearer token-1');
    }));

  test('A04 refuses 2 MiB, no token and a redirect, and says so in one line', async () => {
    const faults = [{body: `{"token":"${'a'.repeat(2_097_152)}"}`}, {body: '{}'}, {redirectTo: 'http://127.0.0.1:1'}];
    for (const fault of faults) {
      await withRegistry(faulty(fault), async ({client, name}) => {
        const error = await failureOf(client.getManifest(name, '1.0'));
        assert.equal(error.code, 'TOKEN_INVALID');
        assert.doesNotMatch(error.message, /\n|canary/);
      });
    }
  });

  test('A05 encodes what a challenge names, so that it cannot add parameters', () =>
    withRegistry(login, async ({client, name, registry}) => {
      const service = 'x&scope=repository:evil:push';
      const challenge = `Bearer realm="${registry.origin}/token?a=1",service="${service}",scope="repository:x:pull push"`;
      registry.setFaults([{on: 'manifest', times: 1, status: 401, headers: {'www-authenticate': challenge}}]);
      await client.getManifest(name, '1.0');
      const [token] = registry.requests.filter((request) => request.class === 'token');
      const {searchParams} = new URL(token?.url ?? '', registry.origin);
      assert.deepEqual(
        [...searchParams].toSorted(([one], [other]) => one.localeCompare(other)),
        [
          ['a', '1'],
          ['scope', 'repository:team/app:pull'],
          ['scope', 'repository:x:pull'],
          ['scope', 'push'],
          ['service', service],
        ],
      );
    }));

  test('sends all scopes of an identity token in one parameter', () => {
    const options = {
      challenge: 'bearer',
      identityTokens: ['canary'],
      clientOptions: {credentials: async () => ({identityToken: 'canary'})},
    } as const;
    return withRegistry(options, async ({client, name, registry}) => {
      const challenge = `Bearer realm="${registry.origin}/token",scope="repository:x:pull"`;
      registry.setFaults([{on: 'manifest', times: 1, status: 401, headers: {'www-authenticate': challenge}}]);
      await client.getManifest(name, '1.0');
      assert.deepEqual(
        registry.requests.filter((request) => request.class === 'token').map(({method, url}) => [method, url]),
        [['POST', '/token']],
      );
    });
  });
});
