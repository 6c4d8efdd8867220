import * as assert from 'node:assert/strict';
import {startTokenServer} from '../../fixtures/token-server.ts';
import type {RegistryClient} from '../../src/registry/client.ts';
import type {Credential, CredentialSource} from '../../src/registry/credentials.ts';
import {startDockerRegistry} from '../helpers/docker-registry.ts';
import {findProgram} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {makeBlob} from './upload-source.ts';
import {failureOf, IMAGE, layerOf, openTestClient, readAll} from './with-registry.ts';

const skip = findProgram('docker-registry') ? undefined : 'needs docker-registry';
const alice = {username: 'alice', password: 'canary-password'};
const users = {alice: alice.password};
const always =
  (credential: Credential | null): CredentialSource =>
  async () =>
    credential;

/** Puts {@link IMAGE} there, as `1`. */
async function push(client: RegistryClient, name: {registry: string; repository: string}): Promise<void> {
  for (const {bytes} of [...IMAGE.layers, IMAGE.config]) await client.uploadBlob(name, makeBlob(bytes));
  await client.putManifest(name, '1', IMAGE.manifest);
}

describe('registry/token-server', ({test: declare}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip});

  test('pushes and pulls with the tokens that the reference registry verifies', async () => {
    await using tokens = await startTokenServer({users});
    await using registry = await startDockerRegistry({tokenServer: tokens});
    await using client = openTestClient({credentials: always(alice)});
    const name = {registry: registry.host, repository: 'team/app'};
    await push(client, name);
    assert.deepEqual((await client.getManifest(name, '1')).bytes, IMAGE.manifest.bytes);
    const pieces = await Promise.all(
      [1, 2, 3, 4].map(async () => readAll(await client.openBlob(name, layerOf(IMAGE)))),
    );
    assert.ok(pieces.every((bytes) => bytes.equals(IMAGE.layers[0]?.bytes ?? Buffer.of())));
    assert.deepEqual(
      tokens.requests.map(({scopes}) => scopes),
      [['repository:team/app:pull,push']],
    );
  });

  test('mounts a blob with one token for both repositories', async () => {
    await using tokens = await startTokenServer({users});
    await using registry = await startDockerRegistry({tokenServer: tokens});
    await using client = openTestClient({credentials: always(alice)});
    const name = {registry: registry.host, repository: 'team/app'};
    await push(client, name);
    const layer = layerOf(IMAGE);
    const source = {open: () => assert.fail('it is mounted')};
    const other = {...name, repository: 'other'};
    const {outcome} = await client.uploadBlob(other, {...layer, source}, {mountFrom: 'team/app'});
    assert.equal(outcome, 'mounted');
    assert.deepEqual(tokens.requests.at(-1)?.scopes, ['repository:other:pull,push', 'repository:team/app:pull']);
  });

  test('reads with an anonymous token, and asks for a login to write', async () => {
    await using tokens = await startTokenServer({users, anonymousPull: true});
    await using registry = await startDockerRegistry({tokenServer: tokens});
    await using writer = openTestClient({credentials: always(alice)});
    await using reader = openTestClient();
    const name = {registry: registry.host, repository: 'team/app'};
    await push(writer, name);
    assert.deepEqual((await reader.getManifest(name, '1')).bytes, IMAGE.manifest.bytes);
    assert.equal(tokens.requests.at(-1)?.user, null);
    assert.equal((await failureOf(push(reader, {...name, repository: 'other'}))).code, 'AUTH_REQUIRED');
  });

  test('A05 goes on with a new token when the old one is over', async () => {
    await using tokens = await startTokenServer({users, lifetimeSeconds: 1});
    await using registry = await startDockerRegistry({tokenServer: tokens});
    await using client = openTestClient({credentials: always(alice)});
    const name = {registry: registry.host, repository: 'team/app'};
    await push(client, name);
    const before = tokens.requests.length;
    const deadline = performance.now() + 20_000;
    while (tokens.requests.length === before && performance.now() < deadline) {
      assert.equal((await client.getManifest(name, '1')).digest, IMAGE.manifest.digest);
    }
    assert.equal(tokens.requests.length, before + 1);
  });
});
