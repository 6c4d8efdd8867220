import * as assert from 'node:assert/strict';
import {once} from 'node:events';
import {connect, createServer, type Socket} from 'node:net';
import {buildIndex, describeDocument, jsonDocument} from '../../fixtures/build-image.ts';
import {OCI_MANIFEST} from '../../src/oci/media-types.ts';
import type {RegistryClient, RepositoryName} from '../../src/registry/client.ts';
import {type DockerRegistry, startDockerRegistry} from '../helpers/docker-registry.ts';
import {findProgram} from '../helpers/requires.ts';
import {requireProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {makeBlob, makeBytes} from './upload-source.ts';
import {failureOf, IMAGE, layerOf, openTestClient, readAll} from './with-registry.ts';

const skip = findProgram('docker-registry') && findProgram('skopeo') ? undefined : 'needs docker-registry and skopeo';
const MIB = 1024 * 1024;
const INDEX = buildIndex([IMAGE]).index;

describe('registry/docker-registry-write', ({test}) => {
  test(
    'pushes an image that another tool reads as the same bytes',
    () =>
      withDockerRegistry(async ({real, client, name}) => {
        await pushImage(client, name);
        const raw = await requireProgram('skopeo', [
          ...['inspect', '--raw', '--tls-verify=false'],
          `docker://${real.host}/team/app:1`,
        ]);
        assert.equal(raw, INDEX.bytes.toString());
        const config = ['inspect', '--config', '--tls-verify=false', `docker://${real.host}/team/app:1`];
        assert.deepEqual(JSON.parse(await requireProgram('skopeo', config)).rootfs.diff_ids, IMAGE.diffIds);
        assert.equal((await pushImage(client, name)).sentBytes, 0, 'a second time');
        assert.deepEqual(await client.catalog(real.host), ['team/app']);
      }),
    {skip},
  );

  test(
    'mounts a blob between its repositories without sending a byte',
    () =>
      withDockerRegistry(async ({client, name}) => {
        await pushImage(client, name);
        const other = {...name, repository: 'other/app'};
        const blob = makeBlob(IMAGE.layers[0]?.bytes ?? Buffer.alloc(0));
        const outcome = await client.uploadBlob(other, blob, {mountFrom: 'team/app'});
        assert.deepEqual(outcome, {outcome: 'mounted', sentBytes: 0});
        assert.deepEqual(blob.opened, []);
        assert.deepEqual(await client.headBlob(other, blob.digest), {size: blob.size});
        const absent = makeBlob(Buffer.from('nowhere'));
        assert.equal((await client.uploadBlob(other, absent, {mountFrom: 'team/app'})).outcome, 'uploaded');
      }),
    {skip},
  );

  test(
    'finishes a large blob over a connection that is cut twice',
    () =>
      withDockerRegistry(async ({real, client, name}) => {
        await using proxy = await startCuttingProxy(real.host, [3 * MIB, 30 * MIB]);
        const blob = makeBlob(makeBytes(40 * MIB + 7));
        const outcome = await client.uploadBlob({...name, registry: proxy.host}, blob);
        assert.equal(outcome.outcome, 'uploaded');
        assert.deepEqual(proxy.cutsLeft, []);
        const stored = await readAll(await client.openBlob(name, {...blob, mediaType: 'a/b'}));
        assert.ok(stored.equals(blob.bytes));
      }),
    {skip},
  );

  test(
    'refuses bytes of another digest and leaves nothing',
    () =>
      withDockerRegistry(async ({client, name}) => {
        const digest = `sha256:${'0'.repeat(64)}` as const;
        const error = await failureOf(client.uploadBlob(name, {...makeBlob(makeBytes(1000)), digest}));
        assert.equal(error.code, 'DIGEST_INVALID');
        assert.equal(await client.headBlob(name, digest), null);
      }),
    {skip},
  );

  test(
    'lists referrers by the tag, where skopeo copies them from as an index',
    () =>
      withDockerRegistry(async ({client, name}) => {
        await pushImage(client, name);
        const signature = jsonDocument(OCI_MANIFEST, {
          schemaVersion: 2,
          mediaType: OCI_MANIFEST,
          artifactType: 'application/vnd.example.signature',
          config: describeDocument(IMAGE.config),
          layers: [],
          subject: describeDocument(INDEX),
        });
        assert.equal((await client.putManifest(name, signature.digest, signature)).subject, null);
        const artifactType = 'application/vnd.example.signature';
        const expected = {source: 'tag', referrers: [{...describeDocument(signature), artifactType}]};
        assert.deepEqual(await client.referrers(name, INDEX.digest), expected);
        await client.deleteManifest(name, signature.digest);
        assert.deepEqual((await client.referrers(name, INDEX.digest)).referrers, []);
      }),
    {skip},
  );

  test(
    'deletes by digest, and no tag alone',
    () =>
      withDockerRegistry(async ({client, name}) => {
        await pushImage(client, name);
        assert.equal((await failureOf(client.deleteManifest(name, '1'))).code, 'DELETE_UNSUPPORTED');
        assert.equal((await client.headManifest(name, '1'))?.digest, INDEX.digest);
        await client.deleteManifest(name, INDEX.digest);
        assert.equal(await client.headManifest(name, INDEX.digest), null);
        assert.equal((await failureOf(client.deleteManifest(name, INDEX.digest))).code, 'MANIFEST_UNKNOWN');
        await client.deleteBlob(name, layerOf(IMAGE).digest);
        assert.equal(await client.headBlob(name, layerOf(IMAGE).digest), null);
        assert.equal((await failureOf(client.putManifest(name, '2', IMAGE.manifest))).code, 'MANIFEST_BLOB_UNKNOWN');
      }),
    {skip},
  );

  test(
    'says so where the registry deletes nothing',
    async () => {
      await using real = await startDockerRegistry();
      await using client = openTestClient();
      const name = {registry: real.host, repository: 'team/app'};
      await pushImage(client, name);
      assert.equal((await failureOf(client.deleteManifest(name, INDEX.digest))).code, 'DELETE_UNSUPPORTED');
      assert.equal((await failureOf(client.deleteBlob(name, layerOf(IMAGE).digest))).code, 'DELETE_UNSUPPORTED');
    },
    {skip},
  );
});

interface Stage {
  readonly real: DockerRegistry;
  readonly client: RegistryClient;
  readonly name: RepositoryName;
}

async function withDockerRegistry(body: (stage: Stage) => Promise<void>): Promise<void> {
  await using real = await startDockerRegistry({deletes: true});
  await using client = openTestClient();
  await body({real, client, name: {registry: real.host, repository: 'team/app'}});
}

async function pushImage(client: RegistryClient, name: RepositoryName): Promise<{readonly sentBytes: number}> {
  let sentBytes = 0;
  for (const bytes of IMAGE.blobs.values()) sentBytes += (await client.uploadBlob(name, makeBlob(bytes))).sentBytes;
  await client.putManifest(name, IMAGE.manifest.digest, IMAGE.manifest);
  await client.putManifest(name, '1', INDEX);
  return {sentBytes};
}

interface CuttingProxy extends AsyncDisposable {
  readonly host: string;
  readonly cutsLeft: readonly number[];
}

/** A proxy that cuts the connection whenever so many bytes have gone through to the target altogether. */
async function startCuttingProxy(target: string, cuts: readonly number[]): Promise<CuttingProxy> {
  const cutsLeft = [...cuts];
  const sockets = new Set<Socket>();
  let passed = 0;
  const [host = '', port = ''] = target.split(':');
  const server = createServer((near) => {
    const far = connect(Number(port), host);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => [near, far].map((other) => other.destroy()));
    }
    far.pipe(near);
    near.on('data', (chunk) => {
      passed += chunk.length;
      if (passed >= (cutsLeft[0] ?? Number.POSITIVE_INFINITY)) {
        cutsLeft.shift();
        near.destroy();
        return;
      }
      if (!far.write(chunk)) near.pause();
    });
    far.on('drain', () => near.resume());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    host: `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    cutsLeft,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
