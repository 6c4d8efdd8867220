import * as assert from 'node:assert/strict';
import type {RegistryServer} from '../../fixtures/registry-server.ts';
import type {Credential, CredentialSource} from '../../src/registry/credentials.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {type Fixture, failureOf, IMAGE, printable, readAll, withRegistry} from './with-registry.ts';

const PASSWORD = 'canary-password';
const users = {alice: PASSWORD};
const as = (credential: Credential) => ({clientOptions: {credentials: async () => credential}});
const alice = as({username: 'alice', password: PASSWORD});
const mallory = as({username: 'alice', password: 'canary-wrong'});

describe('registry/authorizer', ({test}) => {
  test('logs in with Basic once the registry asks, and then without being asked', () =>
    withRegistry({challenge: 'basic', users, ...alice}, async ({client, name, registry, layer}) => {
      await client.getManifest(name, '1.0');
      await readAll(await client.openBlob(name, layer));
      const statuses = registry.requests.map((request) => [request.class, request.status]);
      assert.deepEqual(statuses, [
        ['manifest', 401],
        ['manifest', 200],
        ['blob', 200],
      ]);
    }));

  test('logs in at a host that is written in capitals', () =>
    withRegistry({challenge: 'basic', users, ...alice}, async ({client, name}) => {
      const registry = name.registry.replace('127.0.0.1', 'LOCALHOST');
      assert.deepEqual((await client.getManifest({...name, registry}, '1.0')).bytes, IMAGE.manifest.bytes);
    }));

  test('gets an anonymous token, one for each repository', () =>
    withRegistry({challenge: 'bearer', anonymousPull: true}, async ({client, name, registry, layer}) => {
      registry.put('other', '1', IMAGE);
      await client.getManifest(name, '1.0');
      await readAll(await client.openBlob(name, layer));
      await client.getManifest({...name, repository: 'other'}, '1');
      assert.deepEqual(
        registry.requests
          .filter((request) => request.class === 'token')
          .map(({url, headers}) => [url, headers.authorization]),
        [
          ['/token?scope=repository%3Ateam%2Fapp%3Apull&service=winch-fixture', undefined],
          ['/token?scope=repository%3Aother%3Apull&service=winch-fixture', undefined],
        ],
      );
    }));

  test('gets a token for a user', () =>
    withRegistry({challenge: 'bearer', users, ...alice}, async ({client, name, registry}) => {
      await client.getManifest(name, '1.0');
      const [token] = registry.requests.filter((request) => request.class === 'token');
      assert.equal(token?.headers.authorization, `Basic ${Buffer.from(`alice:${PASSWORD}`).toString('base64')}`);
      assert.equal(registry.requests.at(-1)?.headers.authorization, 'Bearer token-1');
    }));

  test('exchanges an identity token by POST', () => {
    const options = {
      challenge: 'bearer',
      identityTokens: ['canary-identity'],
      ...as({identityToken: 'canary-identity'}),
    } as const;
    return withRegistry(options, async ({client, name, registry}) => {
      await client.getManifest(name, '1.0');
      const [token] = registry.requests.filter((request) => request.class === 'token');
      assert.equal(token?.method, 'POST');
      assert.equal(token?.url, '/token');
    });
  });

  test('sends a registry token as it is', () =>
    withRegistry({challenge: 'bearer', ...as({registryToken: 'canary-token'})}, async ({client, name, registry}) => {
      const error = await failureOf(client.getManifest(name, '1.0'));
      assert.equal(error.code, 'AUTH_DENIED');
      assert.equal(registry.requests.at(-1)?.headers.authorization, 'Bearer canary-token');
      assert.equal(registry.requests.filter((request) => request.class === 'token').length, 0);
    }));

  test('renews a token that is used up, in the middle of a pull', () =>
    withRegistry({challenge: 'bearer', anonymousPull: true, tokenUses: 1}, async ({client, name, registry, layer}) => {
      await client.getManifest(name, '1.0');
      assert.equal((await readAll(await client.openBlob(name, layer))).length, layer.size);
      assert.equal(registry.requests.filter((request) => request.class === 'token').length, 2);
    }));

  test('says that a login is needed when there are no credentials', async () => {
    for (const challenge of ['basic', 'bearer'] as const) {
      await withRegistry({challenge, users}, async ({client, name}) => {
        const error = await failureOf(client.getManifest(name, '1.0'));
        assert.equal(error.code, 'AUTH_REQUIRED');
        assert.equal(error.kind, 'unauthorized');
        assert.match(error.message, /127\.0\.0\.1:\d+ asks for a login to read team\/app; no credentials were sent/);
      });
    }
  });

  test('says that credentials were refused, without showing them', async () => {
    for (const challenge of ['basic', 'bearer'] as const) {
      await withRegistry({challenge, users, ...mallory}, async ({client, name}) => {
        const error = await failureOf(client.getManifest(name, '1.0'));
        assert.equal(error.code, 'AUTH_DENIED');
        assert.equal(error.kind, 'denied');
        assert.doesNotMatch(printable(error), /canary|Basic|Bearer/);
      });
    }
  });

  test('stops after the second 401', () =>
    withRegistry({challenge: 'bearer', anonymousPull: true, tokenUses: 0}, async ({client, name, registry}) => {
      assert.equal((await failureOf(client.getManifest(name, '1.0'))).code, 'AUTH_REQUIRED');
      assert.equal(registry.requests.filter((request) => request.class === 'manifest').length, 2);
    }));

  test('refuses a 401 that asks for nothing it knows', async () => {
    for (const header of [null, 'Negotiate', 'Basic', 'junk=']) {
      const faults = [{on: 'manifest', status: 401, headers: {'www-authenticate': header}}] as const;
      await withRegistry({faults}, async ({client, name}) => {
        assert.equal((await failureOf(client.getManifest(name, '1.0'))).code, 'AUTH_REQUIRED', String(header));
      });
    }
  });

  test('never contacts a realm that the rules refuse', () =>
    withRegistry(
      {challenge: 'bearer', realm: 'http://169.254.169.254/token', ...alice},
      async ({client, name, registry}) => {
        const error = await failureOf(client.getManifest(name, '1.0'));
        assert.equal(error.code, 'REALM_REFUSED');
        assert.match(error.message, /link-local address/);
        assert.doesNotMatch(printable(error), /canary/);
        assert.deepEqual(
          registry.requests.map((request) => request.class),
          ['manifest'],
        );
      },
    ));

  test('asks for its own scope besides the one of the challenge, each encoded', () => {
    const header = 'Bearer realm="http://127.0.0.1:1/t",scope="repository:x:pull&scope=repository:y:push a"';
    const faults = [{on: 'manifest', times: 1, status: 401, headers: {'www-authenticate': header}}] as const;
    return withRegistry({faults}, async ({client, name, registry}) => {
      const realm = `http://127.0.0.1:${registry.host.split(':')[1]}/token`;
      registry.setFaults([
        {...faults[0], headers: {'www-authenticate': header.replace('http://127.0.0.1:1/t', realm)}},
      ]);
      await failureOf(client.getManifest(name, '1.0'));
      const [token] = registry.requests.filter((request) => request.class === 'token');
      assert.deepEqual(new URL(token?.url ?? '', registry.origin).searchParams.getAll('scope'), [
        'repository:team/app:pull',
        'repository:x:pull&scope=repository:y:push',
        'a',
      ]);
    });
  });

  test('looks credentials up only when the registry asks, under the name of the reference', async () => {
    const asked: string[] = [];
    const credentials = async (registry: string) => {
      asked.push(registry);
      return {username: 'alice', password: PASSWORD};
    };
    await withRegistry({clientOptions: {credentials}}, async ({client, name}) => {
      await client.getManifest(name, '1.0');
      assert.deepEqual(asked, []);
    });
    await withRegistry({challenge: 'basic', users, clientOptions: {credentials}}, async ({client, name}) => {
      await client.getManifest(name, '1.0');
      await client.listTags(name);
      assert.deepEqual(asked, [name.registry]);
    });
  });

  test('shares one token between requests that are refused together', () =>
    withRegistry({challenge: 'bearer', users, ...alice}, async ({client, name, registry, layer}) => {
      const pulls = Array.from({length: 12}, async () => readAll(await client.openBlob(name, layer)));
      for (const bytes of await Promise.all(pulls)) assert.equal(bytes.length, layer.size);
      assert.equal(registry.requests.filter((request) => request.class === 'token').length, 1);
    }));

  test('goes on when the request that fetched the token for all is aborted', () =>
    withRegistry({challenge: 'bearer', users, ...alice}, async ({client, name, registry}) => {
      registry.setFaults([{on: 'token', slow: {bytes: 4, pauseMs: 30}}]);
      const controller = new AbortController();
      const leaving = client.getManifest(name, '1.0', {signal: controller.signal});
      const staying = client.getManifest(name, '1.0');
      await waitFor(() => registry.requests.some((request) => request.class === 'token'));
      controller.abort(new Error('enough'));
      await assert.rejects(leaving, /enough/);
      assert.deepEqual((await staying).bytes, IMAGE.manifest.bytes);
      assert.equal(registry.requests.filter((request) => request.class === 'token').length, 1);
    }));

  const scopesAsked = ({requests, origin}: RegistryServer): readonly (readonly string[])[] =>
    requests
      .filter(({class: kind}) => kind === 'token')
      .map(({url}) => new URL(url, origin).searchParams.getAll('scope'));

  test('uses a token to push for pulling as well, and not the other way round', async () => {
    const options = {challenge: 'bearer', users, ...alice} as const;
    const source = {open: () => assert.fail('the blob is there')};
    await withRegistry(options, async ({client, name, registry, layer}) => {
      await client.uploadBlob(name, {...layer, source});
      await client.getManifest(name, '1.0');
      assert.deepEqual(scopesAsked(registry), [['repository:team/app:pull,push']]);
    });
    await withRegistry(options, async ({client, name, registry, layer}) => {
      await client.getManifest(name, '1.0');
      await client.uploadBlob(name, {...layer, source});
      assert.deepEqual(scopesAsked(registry), [['repository:team/app:pull'], ['repository:team/app:pull,push']]);
    });
  });

  /** Anonymous tokens are given, and refused by the registry with this status. */
  async function withPrivateRepository(
    status: number,
    credentials: CredentialSource,
    body: (fixture: Fixture) => Promise<void>,
  ): Promise<void> {
    const options = {challenge: 'bearer', users, anonymousPull: true, clientOptions: {credentials}} as const;
    await withRegistry(options, async (fixture) => {
      const challenge = `Bearer realm="${fixture.registry.origin}/token",service="winch-fixture"`;
      const headers = {'www-authenticate': challenge};
      const refusals = [
        {on: 'manifest', times: 1, status: 401, headers},
        {on: 'manifest', times: 1, status, headers: status === 401 ? headers : {}},
      ] as const;
      fixture.registry.setFaults(refusals);
      await body(fixture);
    });
  }

  for (const status of [401, 403]) {
    test(`asks the slow sources when the registry answers ${status} to an anonymous token`, async () => {
      const asked: (boolean | undefined)[] = [];
      const credentials: CredentialSource = async (_registry, {isThorough} = {}) => {
        asked.push(isThorough);
        return isThorough === false ? null : {username: 'alice', password: PASSWORD};
      };
      await withPrivateRepository(status, credentials, async ({client, name, registry}) => {
        assert.deepEqual((await client.getManifest(name, '1.0')).bytes, IMAGE.manifest.bytes);
        assert.deepEqual(asked, [false, true]);
        const tokens = registry.requests.filter(({class: kind}) => kind === 'token');
        assert.deepEqual(
          tokens.map(({headers}) => headers.authorization?.split(' ')[0]),
          [undefined, 'Basic'],
        );
      });
    });

    test(`ends after an anonymous token and a ${status} when nobody is logged in`, () =>
      withPrivateRepository(
        status,
        async () => null,
        async ({client, name, registry}) => {
          const error = await failureOf(client.getManifest(name, '1.0'));
          assert.equal(error.code, status === 401 ? 'AUTH_REQUIRED' : 'AUTH_DENIED');
          assert.equal(registry.requests.filter(({class: kind}) => kind === 'manifest').length, 2);
        },
      ));
  }

  test('asks the slow sources when the token endpoint gives nothing to nobody', () => {
    const credentials: CredentialSource = async (_registry, {isThorough} = {}) =>
      isThorough === false ? null : {username: 'alice', password: PASSWORD};
    return withRegistry({challenge: 'bearer', users, clientOptions: {credentials}}, async ({client, name}) => {
      assert.deepEqual((await client.getManifest(name, '1.0')).bytes, IMAGE.manifest.bytes);
    });
  });

  test('looks credentials up for each repository, and again after a failure', async () => {
    const asked: (string | undefined)[] = [];
    const credentials: CredentialSource = async (_registry, {repository} = {}) => {
      asked.push(repository);
      if (asked.length === 1) throw new Error('helper broke');
      return {username: 'alice', password: PASSWORD};
    };
    await withRegistry({challenge: 'basic', users, clientOptions: {credentials}}, async ({client, name, registry}) => {
      registry.put('other', '1', IMAGE);
      await assert.rejects(client.getManifest(name, '1.0'), /helper broke/);
      await client.getManifest(name, '1.0');
      await client.getManifest({...name, repository: 'other'}, '1');
      await client.getManifest(name, '1.0');
      assert.deepEqual(asked, ['team/app', 'team/app', 'other']);
    });
  });

  test('A03 sends the credential to the token server alone, and only the token to the registry', () =>
    withRegistry({challenge: 'bearer', users}, async ({registry: tokenServer}) =>
      withRegistry(
        {challenge: 'bearer', users, realm: `${tokenServer.origin}/token`, ...alice},
        async ({client, name, registry}) => {
          await failureOf(client.getManifest(name, '1.0'));
          const seen = (server: typeof registry) => server.requests.map(({headers}) => headers.authorization ?? '');
          assert.deepEqual(
            seen(tokenServer).filter((header) => header.startsWith('Basic ')),
            [`Basic ${Buffer.from(`alice:${PASSWORD}`).toString('base64')}`],
          );
          assert.deepEqual(seen(registry), ['', 'Bearer token-1']);
        },
      ),
    ));

  test('A05 sends a request twice at most when every answer is 401', () =>
    withRegistry({challenge: 'bearer', users, ...alice}, async ({client, name, registry, layer}) => {
      const headers = {'www-authenticate': `Bearer realm="${registry.origin}/token"`};
      registry.setFaults([
        {on: 'manifest', status: 401, headers},
        {on: 'blob', status: 401, headers},
      ]);
      for (const call of [() => client.getManifest(name, '1.0'), () => client.openBlob(name, layer)]) {
        assert.equal((await failureOf(call())).code, 'AUTH_DENIED');
      }
      const counts = (['manifest', 'blob', 'token'] as const).map(
        (wanted) => registry.requests.filter(({class: kind}) => kind === wanted).length,
      );
      // The blob is tried with the manifest's token before it gets its own.
      assert.deepEqual(counts, [2, 2, 2]);
    }));
});
