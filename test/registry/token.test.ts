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
      assert.match(error.message, /answered 500 for a token .*: you sent \*\*\*$/);
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
});
