import {randomBytes} from 'node:crypto';
import {request as startRequest} from 'node:http';
import {text} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {buildIndex, jsonDocument} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {type RegistryServer, startRegistry} from '../../fixtures/registry-server.ts';
import {isWinchError} from '../../src/errors.ts';
import {digestOf} from '../../src/oci/digest.ts';
import {createRegistryService} from '../../src/registry-api/registry-service.ts';
import {openStore} from '../../src/store/store.ts';
import {openTestStore} from '../helpers/open-store.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {appTar, baseTar, imageOf} from '../images/sample-images.ts';
import {type ServedRegistry, serveTestRegistry} from './serve-registry.ts';

describe('registry-api/registry-service', ({test}) => {
  const image = imageOf([baseTar, appTar]);
  /** The name of a repository of another registry. */
  const within = ({host}: RegistryServer, repository: string) => `${host.replace(':', '_')}/${repository}`;
  const tagsOf = async ({store}: ServedRegistry): Promise<readonly string[]> =>
    (await store.toolkit.images.list()).map(({reference}) => reference ?? '');
  const codeOf = async (response: Response): Promise<readonly [number, string]> => {
    const {errors} = (await response.json()) as {errors: {code: string}[]};
    return [response.status, errors[0]?.code ?? ''];
  };
  const stored = async (served: ServedRegistry, reference: string): Promise<void> => {
    let names: readonly string[] = [];
    const look = setInterval(async () => {
      names = await tagsOf(served);
    }, 20);
    try {
      await waitFor(() => names.includes(reference));
    } finally {
      clearInterval(look);
    }
  };

  test('gives what is stored, also when the registry it came from is gone', async () => {
    await using served = await serveTestRegistry();
    await using origin = await startRegistry();
    origin.put('some/app', '1', image);
    await served.store.toolkit.images.pull(`${origin.host}/some/app:1`);
    await origin.close();
    await using other = await openTestStore();
    const reference = `${served.host}/${within(origin, 'some/app')}:1`;
    const pulled = await other.toolkit.images.pull(reference);
    assert.is(pulled.digest, image.manifest.digest);
    assert.equal(served.bugs, []);
  });

  test('fetches what is missing once for all who ask, and keeps it under its tag', async () => {
    await using served = await serveTestRegistry();
    await using origin = await startRegistry();
    const large = imageOf([buildTar([{path: 'large', content: randomBytes(3_000_000)}]), appTar]);
    origin.put('app', '1', large);
    origin.setFaults([{on: 'blob', slow: {bytes: 500_000, pauseMs: 20}}]);
    const stores = await Promise.all(Array.from({length: 4}, () => openTestStore()));
    const pulled = await Promise.all(
      stores.map(({toolkit}) => toolkit.images.pull(`${served.host}/${within(origin, 'app')}:1`)),
    );
    for (const store of stores) await store[Symbol.asyncDispose]();
    assert.equal([...new Set(pulled.map(({digest}) => digest))], [large.manifest.digest]);
    await stored(served, `${origin.host}/app:1`);
    const counts = new Map<string, number>();
    for (const {class: kind, method, url} of origin.requests)
      if (kind === 'blob' && method === 'GET') counts.set(url, (counts.get(url) ?? 0) + 1);
    assert.equal([...counts.values()], [1, 1, 1]);
    assert.equal(served.bugs, []);
  });

  test('passes a blob on while it arrives, and never all of one that is wrong', async () => {
    await using served = await serveTestRegistry();
    await using origin = await startRegistry();
    const large = imageOf([buildTar([{path: 'large', content: randomBytes(1_000_000)}])]);
    origin.put('app', '1', large);
    const [layer] = large.layers;
    const [digest, size] = [layer?.digest ?? '', layer?.bytes.length ?? 0];
    const url = `${served.origin}/${within(origin, 'app')}`;
    origin.setFaults([
      {on: 'blob', method: 'GET', truncateAt: 400_000, times: 1},
      {on: 'blob', method: 'GET', hang: true},
    ]);
    const arriving = await fetch(`${url}/blobs/${digest}`);
    assert.is(arriving.headers.get('content-length'), String(size));
    const reader = arriving.body?.getReader();
    const first = await reader?.read();
    assert.ok((first?.value?.length ?? 0) > 0);
    await reader?.cancel();
    const wrong = randomBytes(5000);
    const claimed = imageOf([appTar]).layers[0]?.digest ?? '';
    origin.putBlob('wrong', wrong, claimed);
    origin.setFaults([]);
    const spoilt = await fetch(`${served.origin}/${within(origin, 'wrong')}/blobs/${claimed}`);
    if (spoilt.status === 200) {
      const failure = await spoilt.arrayBuffer().catch((error: unknown) => error);
      assert.ok(failure instanceof Error);
    } else assert.is(spoilt.status, 502);
    assert.equal(served.bugs, []);
  });

  test('waits for no other process that gets no further, since that may wait for it', async () => {
    await using served = await serveTestRegistry();
    await using origin = await startRegistry();
    origin.put('app', '1', image);
    const {config} = image;
    const store = openStore({root: served.store.root, durability: 'fast'});
    using _lease = await store.lease();
    using _lock = await store.lock('blob', config.digest, {timeoutMs: 0});
    const url = `${served.origin}/${within(origin, 'app')}`;
    const whole = await fetch(`${url}/blobs/${config.digest}`);
    assert.ok(Buffer.from(await whole.arrayBuffer()).equals(config.bytes));
    const part = await fetch(`${url}/blobs/${config.digest}`, {headers: {range: 'bytes=3-9'}});
    assert.is(await part.text(), config.bytes.subarray(3, 10).toString());
    store.close();
  });

  test('leaves the choice of a platform to the client, and calls by a tag what is chosen here', async () => {
    await using served = await serveTestRegistry();
    await using origin = await startRegistry();
    const [amd64, arm64] = ['amd64', 'arm64'].map((architecture) =>
      imageOf([buildTar([{path: architecture, content: Buffer.from(architecture)}])], {
        platform: {os: 'linux', architecture},
      }),
    );
    if (!amd64 || !arm64) throw new Error('two images were built');
    const index = buildIndex([amd64, arm64]);
    origin.put('app', 'multi', index);
    const url = `${served.origin}/${within(origin, 'app')}`;
    const root = await fetch(`${url}/manifests/multi`);
    assert.is(root.headers.get('docker-content-digest'), index.index.digest);
    assert.is(root.headers.get('content-type'), index.index.mediaType);
    const own = process.arch === 'arm64' ? arm64 : amd64;
    for (const {manifest, layers} of [amd64, arm64]) {
      assert.is((await fetch(`${url}/manifests/${manifest.digest}`)).status, 200);
      for (const layer of layers) {
        const blob = await fetch(`${url}/blobs/${layer.digest}`);
        assert.ok(Buffer.from(await blob.arrayBuffer()).equals(layer.bytes));
      }
      await stored(
        served,
        manifest === own.manifest ? `${origin.host}/app:multi` : `${origin.host}/app@${manifest.digest}`,
      );
    }
    const {digest} = await served.store.toolkit.images.pull(`${origin.host}/app:multi`, {policy: 'never'});
    assert.is(digest, index.index.digest);
  });

  test('keeps an image also when all of its blobs are there already', async () => {
    await using served = await serveTestRegistry();
    await using origin = await startRegistry();
    origin.put('app', '1', image);
    origin.put('app', 'again', image);
    await served.store.toolkit.images.pull(`${origin.host}/app:1`);
    const url = `${served.origin}/${within(origin, 'app')}`;
    assert.is((await fetch(`${url}/manifests/again`)).status, 200);
    await (await fetch(`${url}/blobs/${image.layers[0]?.digest}`)).arrayBuffer();
    await stored(served, `${origin.host}/app:again`);
  });

  test('reads of an image no more than is asked for until a layer is', async () => {
    await using served = await serveTestRegistry();
    await using origin = await startRegistry();
    origin.put('app', '1', image);
    const url = `${served.origin}/${within(origin, 'app')}`;
    assert.is((await fetch(`${url}/manifests/1`, {method: 'HEAD'})).status, 200);
    const config = await fetch(`${url}/blobs/${image.config.digest}`);
    assert.ok(Buffer.from(await config.arrayBuffer()).equals(image.config.bytes));
    const layer = image.layers[0];
    const head = await fetch(`${url}/blobs/${layer?.digest}`, {method: 'HEAD'});
    assert.is(head.headers.get('content-length'), String(layer?.bytes.length));
    const blobs = origin.requests.filter(({class: kind}) => kind === 'blob').map(({url: path}) => path);
    assert.equal(blobs, [`/v2/app/blobs/${image.config.digest}`]);
    assert.equal(await tagsOf(served), []);
  });

  test('says which image it could not keep, and passes it on all the same', async () => {
    await using served = await serveTestRegistry();
    await using origin = await startRegistry();
    // The config names one layer, the manifest two.
    const [layer] = image.layers;
    const odd = imageOf([baseTar, appTar], {document: {rootfs: {type: 'layers', diff_ids: image.diffIds.slice(0, 1)}}});
    origin.put('app', 'odd', odd);
    const url = `${served.origin}/${within(origin, 'app')}`;
    assert.is((await fetch(`${url}/manifests/odd`)).status, 200);
    const blob = await fetch(`${url}/blobs/${layer?.digest}`);
    assert.ok(Buffer.from(await blob.arrayBuffer()).equals(layer?.bytes ?? Buffer.alloc(0)));
    await waitFor(() => served.warnings.length > 0);
    assert.match(
      served.warnings[0] ?? '',
      new RegExp(`^MANIFEST_INVALID: ${origin.host}/app:odd is passed on and not kept: `),
    );
    assert.equal(await tagsOf(served), []);
  });

  test('brings back a blob that was dropped, and knows its size without', async () => {
    await using served = await serveTestRegistry();
    await using origin = await startRegistry();
    origin.put('app', '1', image);
    const {images} = served.store.toolkit;
    await images.pull(`${origin.host}/app:1`);
    assert.is((await images.prune({blobs: true})).droppedBlobs, 2);
    const url = `${served.origin}/${within(origin, 'app')}`;
    const asked = origin.requests.length;
    for (const {digest, bytes} of image.layers) {
      const head = await fetch(`${url}/blobs/${digest}`, {method: 'HEAD'});
      assert.is(head.headers.get('content-length'), String(bytes.length));
      assert.is(origin.requests.length, asked);
    }
    for (const {digest, bytes} of image.layers) {
      const blob = await fetch(`${url}/blobs/${digest}`);
      assert.ok(Buffer.from(await blob.arrayBuffer()).equals(bytes));
    }
    assert.equal(served.bugs, []);
  });

  test('gives parts of blobs', async () => {
    await using served = await serveTestRegistry();
    await using origin = await startRegistry();
    origin.put('app', '1', image);
    await served.store.toolkit.images.pull(`${origin.host}/app:1`);
    const {digest, bytes} = image.config;
    const url = `${served.origin}/any/blobs/${digest}`;
    const part = async (range: string) => {
      const response = await fetch(url, {headers: {range}});
      return [response.status, response.headers.get('content-range'), await response.text()];
    };
    const whole = bytes.toString();
    const total = bytes.length;
    assert.equal(await part('bytes=0-9'), [206, `bytes 0-9/${total}`, whole.slice(0, 10)]);
    assert.equal(await part('bytes=10-'), [206, `bytes 10-${total - 1}/${total}`, whole.slice(10)]);
    assert.equal(await part('bytes=-7'), [206, `bytes ${total - 7}-${total - 1}/${total}`, whole.slice(-7)]);
    assert.equal(await part(`bytes=${total - 1}-${total + 99}`), [
      206,
      `bytes ${total - 1}-${total - 1}/${total}`,
      whole.slice(-1),
    ]);
    assert.equal(await part(`bytes=${total}-`), [416, `bytes */${total}`, '']);
    for (const range of ['bytes=5-2', 'bytes=0-1,3-4', 'items=0-1', 'bytes=-']) {
      assert.equal(await part(range), [200, null, whole]);
    }
  });

  test('lists tags and repositories in pages', async () => {
    await using served = await serveTestRegistry();
    await using origin = await startRegistry();
    for (const tag of ['b', 'a', 'c']) origin.put('app', tag, image);
    origin.put('other', '1', image);
    const {images} = served.store.toolkit;
    for (const name of ['app:b', 'app:a', 'app:c', 'other:1']) await images.pull(`${origin.host}/${name}`);
    await images.tag(`${origin.host}/other:1`, 'named:1');
    origin.put('app', 'd', image);
    const name = within(origin, 'app');
    const list = async (path: string) => {
      const response = await fetch(`http://${served.host}${path}`);
      return [await response.json(), response.headers.get('link')];
    };
    assert.equal(await list(`/v2/${name}/tags/list`), [{name, tags: ['a', 'b', 'c', 'd']}, null]);
    const next = `/v2/${name}/tags/list?n=3&last=c`;
    assert.equal(await list(`/v2/${name}/tags/list?n=3`), [{name, tags: ['a', 'b', 'c']}, `<${next}>; rel="next"`]);
    assert.equal(await list(next), [{name, tags: ['d']}, null]);
    await origin.close();
    assert.equal(await list(next), [{name, tags: []}, null]);
    assert.equal(await list(`/v2/${name}/tags/list`), [{name, tags: ['a', 'b', 'c']}, null]);
    const [catalog] = await list('/v2/_catalog');
    assert.equal(catalog, {repositories: [name, within(origin, 'other'), 'docker.io/library/named']});
    for (const path of ['library/named/manifests/1', 'named/manifests/1', 'library/named/manifests/1?ns=docker.io'])
      assert.is((await fetch(`${served.origin}/${path}`, {method: 'HEAD'})).status, 200, path);
  });

  test('passes on what refers to an image, and artifacts, which are not kept as images', async () => {
    await using served = await serveTestRegistry();
    await using origin = await startRegistry({referrersApi: true});
    origin.put('app', '1', image);
    const [config, signature] = [Buffer.from('{}'), Buffer.from('signed')];
    const describe = (mediaType: string, bytes: Buffer) => ({mediaType, digest: digestOf(bytes), size: bytes.length});
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const artifact = jsonDocument(mediaType, {
      schemaVersion: 2,
      mediaType,
      artifactType: 'application/test',
      config: describe('application/vnd.oci.empty.v1+json', config),
      layers: [describe('application/signature', signature)],
      subject: {mediaType, digest: image.manifest.digest, size: image.manifest.bytes.length},
    });
    origin.put('app', 'signature', artifact);
    for (const bytes of [config, signature]) origin.putBlob('app', bytes);
    const url = `${served.origin}/${within(origin, 'app')}`;
    const list = async (query = '') => {
      const response = await fetch(`${url}/referrers/${image.manifest.digest}${query}`);
      const {manifests} = (await response.json()) as {manifests: {digest: string}[]};
      return [response.headers.get('oci-filters-applied'), manifests.map(({digest}) => digest)];
    };
    assert.equal(await list(), [null, [artifact.digest]]);
    assert.equal(await list('?artifactType=application/test'), ['artifactType', [artifact.digest]]);
    assert.equal(await list('?artifactType=application/other'), ['artifactType', []]);
    assert.is((await fetch(`${url}/manifests/${artifact.digest}`)).status, 200);
    assert.is(await (await fetch(`${url}/blobs/${digestOf(signature)}`)).text(), 'signed');
    assert.equal(await tagsOf(served), []);
    assert.equal(served.bugs, []);
  });

  test('refuses to be written to, and what it does not understand', async () => {
    await using served = await serveTestRegistry();
    await using origin = await startRegistry();
    const ask = async (line: string) => {
      const [method = '', path = ''] = line.split(' ');
      return await codeOf(await fetch(`${served.origin}${path}`, {method}));
    };
    const digest = image.manifest.digest;
    assert.is((await fetch(`${served.origin}/`)).status, 200);
    assert.equal(await ask('PUT /app/manifests/1'), [405, 'UNSUPPORTED']);
    assert.equal(await ask('POST /app/blobs/uploads/'), [405, 'UNSUPPORTED']);
    assert.equal(await ask(`DELETE /app/manifests/${digest}`), [405, 'UNSUPPORTED']);
    assert.equal(await ask('GET /app/nothing'), [404, 'UNKNOWN']);
    assert.equal(await ask('GET /UPPER/manifests/1'), [400, 'NAME_INVALID']);
    assert.equal(await ask('GET /a%2fb/manifests/1'), [400, 'NAME_INVALID']);
    assert.equal(await ask('GET /app/manifests/.no-tag'), [404, 'MANIFEST_UNKNOWN']);
    assert.equal(await ask('GET /app/blobs/sha256:short'), [400, 'DIGEST_INVALID']);
    assert.equal(await ask(`GET /${within(origin, 'none')}/manifests/1`), [404, 'NAME_UNKNOWN']);
    assert.equal(await ask(`GET /${within(origin, 'none')}/blobs/${digest}`), [404, 'BLOB_UNKNOWN']);
    assert.equal(await ask(`GET /${within(origin, 'none')}/tags/list`), [404, 'NAME_UNKNOWN']);
    assert.equal(await ask('GET /127.0.0.1_1/app/manifests/1'), [502, 'UNKNOWN']);
    assert.equal(served.bugs, []);
  });

  test('fetches nothing for what comes back to it by a mirror', async () => {
    await using served = await serveTestRegistry();
    await using origin = await startRegistry();
    origin.put('app', '1', image);
    const url = `${served.origin}/${within(origin, 'app')}`;
    const headers = {'user-agent': served.userAgent};
    assert.equal(await codeOf(await fetch(`${url}/manifests/1`, {headers})), [404, 'MANIFEST_UNKNOWN']);
    assert.equal(await codeOf(await fetch(`${url}/blobs/${image.config.digest}`, {headers})), [404, 'BLOB_UNKNOWN']);
    assert.equal(origin.requests.length, 0);
    // Also of what is being fetched right now, which it is that comes back.
    origin.setFaults([
      {on: 'manifest', hang: true, times: 1},
      {on: 'blob', hang: true},
    ]);
    const leaving = new AbortController();
    const ask = (path: string) => fetch(`${url}/${path}`, {signal: leaving.signal}).catch(() => {});
    const asking = [ask('manifests/1')];
    await waitFor(() => origin.requests.length === 1);
    assert.equal(await codeOf(await fetch(`${url}/manifests/1`, {headers})), [404, 'MANIFEST_UNKNOWN']);
    await fetch(`${url}/manifests/${image.manifest.digest}`);
    asking.push(ask(`blobs/${image.config.digest}`));
    await waitFor(() => origin.requests.length === 3);
    assert.equal(await codeOf(await fetch(`${url}/blobs/${image.config.digest}`, {headers})), [404, 'BLOB_UNKNOWN']);
    leaving.abort();
    await Promise.all(asking);
  });

  test('is for this machine alone, by its own name', async () => {
    await using served = await serveTestRegistry();
    const [hostname, port] = served.host.split(':');
    const statusFor = (host: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const request = startRequest(
          {hostname, port, path: '/v2/', headers: {host}, agent: false},
          async (response) => {
            await text(response);
            resolve(response.statusCode ?? 0);
          },
        );
        request.on('error', reject).end();
      });
    for (const own of [served.host, 'localhost', '127.0.0.2:80', '[::1]:5001']) assert.is(await statusFor(own), 200);
    for (const foreign of ['evil.example', '127.0.0.1.evil.example', 'localhost.evil']) {
      assert.is(await statusFor(foreign), 421);
    }
    const images = await served.store.toolkit.images.openReadThrough();
    const open = (host: string) => () =>
      createRegistryService({
        images,
        places: [{type: 'port', host, port: 0, tls: null}],
        userAgent: '',
        onBug: () => {},
      });
    for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.org'])
      assert.throws(open(host), (error: unknown) => isWinchError(error, 'TLS_REQUIRED'));
  });
});
