import * as assert from 'node:assert/strict';
import type {RegistryServer} from '../../fixtures/registry-server.ts';
import {readUploadPlace, withDigest} from '../../src/registry/upload-place.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {makeBlob, makeBytes} from './upload-source.ts';
import {failureOf, printable, withRegistry} from './with-registry.ts';

const MIB = 1024 * 1024;
const SMALL = makeBlob(makeBytes(300_001));
const MIDDLE_BYTES = makeBytes(9 * MIB);
const CANARY = 'canary-password';
const LOGIN = {
  users: {tester: CANARY},
  clientOptions: {credentials: async () => ({username: 'tester', password: CANARY})},
};

const uploadsOf = ({requests}: RegistryServer) => requests.filter((request) => request.class === 'upload');
const methodsOf = (registry: RegistryServer) => uploadsOf(registry).map(({method}) => method);

describe('registry/uploads-refused', ({test}) => {
  test('sends no Authorization to another host that takes the upload', async () => {
    for (const challenge of ['basic', 'bearer'] as const) {
      await withRegistry({challenge, uploadHost: 'localhost', ...LOGIN}, async ({client, name, registry}) => {
        const blob = makeBlob(MIDDLE_BYTES);
        assert.equal((await client.uploadBlob(name, blob)).outcome, 'uploaded');
        const away = uploadsOf(registry).filter(({headers}) => headers.host?.startsWith('localhost'));
        assert.deepEqual(
          away.map(({method, headers}) => [method, headers.authorization]),
          [
            ['PATCH', undefined],
            ['PUT', undefined],
          ],
        );
        assert.ok(uploadsOf(registry)[0]?.headers.authorization, 'the registry itself gets it');
      });
    }
  });

  test('asks for a token that allows to push, and to pull from where it mounts', () =>
    withRegistry({challenge: 'bearer', ...LOGIN}, async ({client, name, registry, layer}) => {
      const source = SMALL.source;
      const other = {...name, repository: 'other/app'};
      assert.equal(
        (await client.uploadBlob(other, {...layer, source}, {mountFrom: name.repository})).outcome,
        'mounted',
      );
      const scopes = registry.requests
        .filter((request) => request.class === 'token')
        .flatMap(({url}) => new URL(url, 'http://registry').searchParams.getAll('scope'));
      assert.ok(scopes.includes('repository:other/app:pull,push'), scopes.join());
      assert.ok(scopes.includes('repository:team/app:pull'), scopes.join());
    }));

  test('tells who may not push', () =>
    withRegistry({challenge: 'bearer', anonymousPull: true}, async ({client, name}) => {
      const error = await failureOf(client.uploadBlob(name, SMALL));
      assert.equal(error.code, 'AUTH_REQUIRED');
      assert.ok(error.message.includes('write to team/app'), error.message);
    }));

  test('refuses a registry that received something else', () =>
    withRegistry({}, async ({client, name, registry}) => {
      const digest = `sha256:${'0'.repeat(64)}`;
      registry.setFaults([{on: 'upload', method: 'PUT', headers: {'docker-content-digest': digest}}]);
      const error = await failureOf(client.uploadBlob(name, SMALL));
      assert.equal(error.code, 'DIGEST_INVALID');
      assert.equal(error.kind, 'refused');
    }));

  test('refuses bytes that are not those of their digest, once and for all', () =>
    withRegistry({}, async ({client, name, registry}) => {
      const digest = `sha256:${'0'.repeat(64)}` as const;
      const error = await failureOf(client.uploadBlob(name, {...SMALL, digest}));
      assert.equal(error.code, 'DIGEST_INVALID');
      assert.deepEqual(methodsOf(registry).slice(0, 2), ['POST', 'PUT']);
      assert.equal(methodsOf(registry).filter((method) => method === 'PUT').length, 1);
    }));

  test('sends a whole where pieces are refused, pieces where a whole is', async () => {
    await withRegistry({uploads: 'monolithic-only'}, async ({client, name, registry}) => {
      assert.equal((await client.uploadBlob(name, makeBlob(MIDDLE_BYTES))).outcome, 'uploaded');
      assert.deepEqual(methodsOf(registry), ['POST', 'PATCH', 'DELETE', 'POST', 'PUT']);
    });
    await withRegistry({uploads: 'chunked'}, async ({client, name, registry}) => {
      assert.equal((await client.uploadBlob(name, SMALL)).outcome, 'uploaded');
      assert.deepEqual(methodsOf(registry), ['POST', 'PUT', 'DELETE', 'POST', 'PATCH', 'PUT']);
    });
  });

  test('sends small pieces where the size is refused', () =>
    withRegistry({bodyLimitBytes: MIB}, async ({client, name, registry}) => {
      assert.equal((await client.uploadBlob(name, makeBlob(MIDDLE_BYTES))).outcome, 'uploaded');
      assert.equal(uploadsOf(registry).filter(({receivedBytes}) => receivedBytes === MIB).length, 9);
    }));

  test('gives up where even small pieces are refused, and says why', () =>
    withRegistry({bodyLimitBytes: 1000}, async ({client, name, registry}) => {
      const error = await failureOf(client.uploadBlob(name, makeBlob(MIDDLE_BYTES)));
      assert.equal(error.code, 'UPLOAD_FAILED');
      assert.equal(error.hint, 'the registry or a proxy before it limits sizes');
      assert.deepEqual(registry.runningUploads(), []);
    }));

  test('cancels an upload that is aborted, and throws the reason', () =>
    withRegistry({}, async ({client, name, registry}) => {
      const controller = new AbortController();
      const reason = new Error('enough');
      const upload = client.uploadBlob(name, makeBlob(makeBytes(40 * MIB)), {
        signal: controller.signal,
        onEvent: (event) => event.type === 'upload:sent' && controller.abort(reason),
      });
      assert.equal(await rejectionOf(upload), reason);
      assert.equal(methodsOf(registry).at(-1), 'DELETE');
      assert.deepEqual(registry.runningUploads(), []);
    }));

  test('throws what the source throws, and what it lacks', () =>
    withRegistry({}, async ({client, name, registry}) => {
      const fault = new Error('the disk is gone');
      const broken = {
        async *open() {
          yield SMALL.bytes.subarray(0, 1000);
          throw fault;
        },
      };
      assert.equal(await rejectionOf(client.uploadBlob(name, {...SMALL, source: broken})), fault);
      const short = makeBlob(SMALL.bytes.subarray(0, 299_000)).source;
      const error = await failureOf(client.uploadBlob(name, {...SMALL, source: short}));
      assert.equal(error.code, 'SIZE_MISMATCH');
      assert.deepEqual(registry.runningUploads(), []);
    }));

  test('reads no further than the blob is long', () =>
    withRegistry({}, async ({client, name}) => {
      const {source} = makeBlob(Buffer.concat([SMALL.bytes, SMALL.bytes]));
      assert.equal((await client.uploadBlob(name, {...SMALL, source})).sentBytes, SMALL.size);
    }));

  test('does not follow an upload to the metadata service, to plain HTTP or to another scheme', () => {
    const base = new URL('https://registry.example/v2/team/app/blobs/uploads/');
    const places = [
      'http://169.254.169.254/up',
      'https://127.0.0.1/up',
      'http://other.example/up',
      'file:///etc/up',
      '',
    ];
    for (const location of places) {
      assert.throws(() => placeAt(base, location), {code: 'PROTOCOL_ERROR'}, location);
    }
    assert.equal(placeAt(base, 'https://user:pass@other.example/up').url.href, 'https://other.example/up');
    assert.equal(placeAt(base, '/up?a=1').url.href, 'https://registry.example/up?a=1');
    assert.equal(placeAt(base, 'http://registry.example/up').url.href, 'https://registry.example/up');
  });

  test('keeps the state in the query of a place when it ends the upload there', () => {
    const base = new URL('https://registry.example/');
    const digest = `sha256:${'a'.repeat(64)}` as const;
    const end = encodeURIComponent(digest);
    assert.equal(withDigest(placeAt(base, '/up'), digest), `https://registry.example/up?digest=${end}`);
    const opaque = '/up?_state=A%2Bb%3D%3D&x=%2F';
    assert.equal(withDigest(placeAt(base, opaque), digest), `https://registry.example${opaque}&digest=${end}`);
  });

  test('shows no state of an upload and no secret in messages', () =>
    withRegistry({challenge: 'basic', ...LOGIN}, async ({client, name, registry}) => {
      registry.setFaults([
        {on: 'upload', method: 'PUT', status: 400, body: '{"errors":[{"code":"X","message":"no"}]}'},
      ]);
      const error = await failureOf(client.uploadBlob(name, SMALL));
      assert.equal(error.code, 'UPLOAD_FAILED');
      for (const secret of ['state=', CANARY, Buffer.from(`tester:${CANARY}`).toString('base64')]) {
        assert.ok(!printable(error).includes(secret), secret);
      }
    }));
});

function placeAt(url: URL, location: string) {
  const body = (async function* () {})();
  return readUploadPlace({url, status: 202, headers: {location}, body, discard: async () => {}, close: () => {}});
}
