import * as assert from 'node:assert/strict';
import {buildAuthority, buildCertificate} from '../../fixtures/build-certificate.ts';
import {startProxy} from '../../fixtures/proxy-server.ts';
import {type RegistryServer, type RegistryServerOptions, startRegistry} from '../../fixtures/registry-server.ts';
import {openCredentials} from '../../src/registry/credentials.ts';
import {openHostDirectory} from '../../src/registry/host-directory.ts';
import {describe} from '../helpers/suite.ts';
import {memoryFiles} from './memory-files.ts';
import {failureOf, IMAGE, layerOf, openTestClient, printable, readAll, withRegistry} from './with-registry.ts';

const PASSWORD = 'canary-password';
const BASIC = {challenge: 'basic', users: {alice: PASSWORD}} as const;
const CHALLENGES: readonly RegistryServerOptions[] = [BASIC, {...BASIC, challenge: 'bearer'}];
const clientOptions = {credentials: async () => ({username: 'alice', password: PASSWORD})};
const layer = layerOf(IMAGE);

/** Whoever listens besides the registry may know nothing of the login. */
function assertUnaware({requests}: RegistryServer): void {
  assert.doesNotMatch(JSON.stringify(requests), /canary|authorization|token-|x-secret/i);
}

/** Runs with a logged-in client of a registry and another host that listens. */
async function withSecondHost(
  options: RegistryServerOptions,
  body: (stage: Parameters<Parameters<typeof withRegistry>[1]>[0] & {readonly second: RegistryServer}) => Promise<void>,
): Promise<void> {
  await using second = await startRegistry();
  second.put('team/app', '1.0', IMAGE);
  await withRegistry({...options, clientOptions}, async (fixture) => body({...fixture, second}));
}

describe('registry/canary', ({test}) => {
  for (const options of CHALLENGES) {
    test(`R11 a blob, a manifest and a tag list that move to another host take no ${options.challenge} login along`, () =>
      withSecondHost(options, async ({client, name, registry, second}) => {
        await client.listTags(name);
        registry.setFaults([
          {on: 'blob', redirectTo: second.origin},
          {on: 'manifest', redirectTo: second.origin},
          {on: 'tags', redirectTo: second.origin},
        ]);
        assert.equal((await readAll(await client.openBlob(name, layer))).length, layer.size);
        await client.getManifest(name, '1.0');
        await client.headManifest(name, '1.0');
        await client.listTags(name);
        assert.equal(second.requests.length, 4);
        assertUnaware(second);
      }));

    test(`R11 the second host's own ${options.challenge} challenge is not answered`, () =>
      withSecondHost(options, async ({client, name, registry, second}) => {
        await client.getManifest(name, '1.0');
        registry.setFaults([{on: 'blob', redirectTo: second.origin}]);
        for (const challenge of ['Basic realm="x"', `Bearer realm="${second.origin}/token",service="x"`]) {
          second.setFaults([{on: 'blob', status: 401, headers: {'www-authenticate': challenge}}]);
          await failureOf(client.openBlob(name, layer));
        }
        assert.ok(second.requests.every((request) => request.class === 'blob'));
        assertUnaware(second);
      }));
  }

  test('R11 eleven hops, a loop, a downgrade to HTTP and other schemes end with a protocol error', () =>
    withRegistry({tls: buildCertificate(), ...BASIC, clientOptions}, async ({client, name, registry}) => {
      await using plain = await startRegistry();
      const secret = '?signature=canary';
      const places = [registry.origin, `${plain.origin}/x${secret}`, 'file:///etc/passwd', 'ftp://h/x', 'gopher://h/'];
      for (const location of [`/v2/team/app/manifests/1.0${secret}`, ...places]) {
        registry.setFaults([{on: 'manifest', status: 302, headers: {location}}]);
        if (location === registry.origin) registry.setFaults([{on: 'manifest', redirectTo: location}]);
        const error = await failureOf(client.getManifest(name, '1.0'));
        assert.deepEqual([error.code, error.kind], ['PROTOCOL_ERROR', 'unavailable'], location);
        assert.doesNotMatch(printable(error), /canary/);
      }
      assert.equal(plain.requests.length, 0);
    }));

  test('R11 a registry that is not on loopback sends nobody to loopback or to the services of a cloud', async () => {
    const host = 'registry.invalid';
    const authority = buildAuthority();
    await using victim = await startRegistry();
    for (const place of [victim.host, 'localhost:1', '[::1]:1', '169.254.169.254', '[::ffff:127.0.0.1]:1']) {
      const tls = authority.issue({addresses: [], names: [host]});
      const location = `https://${place}/latest?canary`;
      const faults = [{on: 'manifest', status: 307, headers: {location}}] as const;
      await using registry = await startRegistry({tls, faults});
      await using proxy = await startProxy({target: registry.host});
      await using client = openTestClient({
        proxyEnvironment: {HTTPS_PROXY: proxy.url},
        hosts: openHostDirectory({
          insecureRegistries: [],
          files: memoryFiles({'/ca.pem': authority.cert}),
          certificateAuthorityFiles: ['/ca.pem'],
        }),
      });
      const error = await failureOf(client.getManifest({registry: host, repository: 'team/app'}, '1.0'));
      assert.equal(error.code, 'PROTOCOL_ERROR', place);
      assert.match(error.message, /to the (loopback|link-local) address/);
      assert.doesNotMatch(printable(error), /canary/);
      assert.ok(proxy.requests.every(({url}) => url === `${host}:443`));
    }
    assert.equal(victim.requests.length, 0);
  });

  test('R11 a mirror gets no login of the registry, even when the registry is asked with one', async () => {
    for (const challenge of ['basic', 'bearer'] as const) {
      await using mirror = await startRegistry({challenge, users: {bob: 'other'}});
      await using origin = await startRegistry({...BASIC, challenge});
      origin.put('team/app', '1.0', IMAGE);
      const conf = `[[registry]]\nlocation = "${origin.host}"\n[[registry.mirror]]\nlocation = "${mirror.host}"`;
      const given = {registries: [origin.host], credential: {username: 'alice', password: PASSWORD}};
      await using client = openTestClient({
        credentials: openCredentials({given, places: [], askHelper: async () => null}).find,
        hosts: openHostDirectory({
          insecureRegistries: [],
          files: memoryFiles({'/r.conf': conf}),
          registriesConfPaths: ['/r.conf'],
        }),
      });
      const name = {registry: origin.host, repository: 'team/app'};
      await client.getManifest(name, '1.0');
      await client.getManifest(name, '1.0');
      assert.ok(mirror.requests.filter((request) => request.class === 'manifest').length > 0);
      assert.ok(origin.requests.some(({headers}) => headers.authorization !== undefined));
      assert.doesNotMatch(JSON.stringify(mirror.requests), /canary|token-|YWxpY2/);
    }
  });

  test('R11 headers that hosts.toml sets for one host go to no other', async () => {
    await using second = await startRegistry();
    second.put('team/app', '1.0', IMAGE);
    await using mirror = await startRegistry({faults: [{on: 'blob', redirectTo: second.origin}]});
    mirror.put('team/app', '1.0', IMAGE);
    const toml = `[host."${mirror.origin}"]\n[host."${mirror.origin}".header]\nx-secret = "canary"\nAuthorization = "Basic canary"`;
    await using client = openTestClient({
      hosts: openHostDirectory({
        insecureRegistries: [],
        files: memoryFiles({'/h/r.example/hosts.toml': toml}),
        hostsDirectories: ['/h'],
      }),
    });
    const name = {registry: 'r.example', repository: 'team/app'};
    await client.getManifest(name, '1.0');
    await readAll(await client.openBlob(name, layer));
    assert.match(JSON.stringify(mirror.requests), /"x-secret":"canary".*Basic canary/);
    assert.equal(second.requests.length, 1);
    assertUnaware(second);
  });

  test('R11 an upload that continues on another host takes no login along', () =>
    withSecondHost({...BASIC}, async ({client, name, registry, second}) => {
      const bytes = Buffer.from('pushed');
      const {digestOf} = await import('../../src/oci/digest.ts');
      const blob = {
        digest: digestOf(bytes),
        size: bytes.length,
        source: {open: (offset: number) => from(bytes, offset)},
      };
      await client.getManifest(name, '1.0');
      registry.setFaults([
        {
          on: 'upload',
          method: 'POST',
          status: 202,
          headers: {location: `${second.origin}/v2/team/app/blobs/uploads/1`},
        },
      ]);
      await failureOf(client.uploadBlob(name, blob));
      assert.ok(second.requests.length > 0);
      assertUnaware(second);
    }));

  test('R11 a write is repeated where a 307 or 308 leads, without the login, and nowhere else', () =>
    withSecondHost({...BASIC}, async ({client, name, registry, second}) => {
      const {bytes, mediaType} = IMAGE.manifest;
      const manifest = {bytes, mediaType};
      await client.getManifest(name, '1.0');
      for (const status of [307, 308]) {
        const location = `${second.origin}/v2/team/app/manifests/2.0`;
        registry.setFaults([{on: 'manifest', status, headers: {location}}]);
        await client.putManifest(name, '2.0', manifest);
        const seen = second.requests.at(-1);
        assert.deepEqual([seen?.method, seen?.receivedBytes], ['PUT', bytes.length]);
      }
      const {length} = second.requests;
      for (const status of [301, 302, 303]) {
        registry.setFaults([
          {on: 'manifest', status, headers: {location: `${second.origin}/v2/team/app/manifests/3.0`}},
        ]);
        const error = await failureOf(client.putManifest(name, '3.0', manifest));
        assert.equal(error.code, 'PROTOCOL_ERROR');
        assert.match(error.message, new RegExp(`redirects a PUT with ${status}; not followed`));
      }
      assert.equal(second.requests.length, length);
      assertUnaware(second);
    }));
});

async function* from(bytes: Buffer, offset: number): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(offset);
}
