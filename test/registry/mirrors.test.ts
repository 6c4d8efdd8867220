import * as assert from 'node:assert/strict';
import {once} from 'node:events';
import {createServer} from 'node:net';
import {type RegistryServer, type RegistryServerOptions, startRegistry} from '../../fixtures/registry-server.ts';
import type {WinchEvent} from '../../src/events.ts';
import type {RegistryClient, RegistryClientOptions} from '../../src/registry/client.ts';
import {openHostDirectory} from '../../src/registry/host-directory.ts';
import {describe} from '../helpers/suite.ts';
import {memoryFiles} from './memory-files.ts';
import {failureOf, IMAGE, layerOf, openTestClient, readAll} from './with-registry.ts';

const CONF = '/c/registries.conf';
const BY_DIGEST = IMAGE.manifest.digest;
const layer = layerOf(IMAGE);

interface Stage extends AsyncDisposable {
  readonly mirror: RegistryServer;
  readonly origin: RegistryServer;
  readonly client: RegistryClient;
  readonly name: {readonly registry: string; readonly repository: string};
  readonly events: WinchEvent[];
  readonly onEvent: (event: WinchEvent) => void;
}

interface StageOptions {
  readonly mirror?: RegistryServerOptions;
  readonly origin?: RegistryServerOptions;
  /** More keys of the mirror's table. */
  readonly keys?: string;
  /** More keys of the registry's table. */
  readonly rule?: string;
  /** In place of registries.conf. */
  readonly hostsToml?: (mirror: string, origin: string) => string;
  readonly clientOptions?: Partial<RegistryClientOptions>;
}

/** A registry that holds the image as `team/app:1.0`, and a mirror that holds it as `copy/app:1.0`. */
async function openStage(options: StageOptions = {}): Promise<Stage> {
  const mirror = await startRegistry(options.mirror);
  const origin = await startRegistry(options.origin);
  mirror.put(options.hostsToml ? 'team/app' : 'copy/app', '1.0', IMAGE);
  origin.put('team/app', '1.0', IMAGE);
  const conf = `
    [[registry]]
    prefix = "${origin.host}/team"
    location = "${origin.host}/team"
    ${options.rule ?? ''}
    [[registry.mirror]]
    location = "${mirror.host}/copy"
    ${options.keys ?? ''}`;
  const files = options.hostsToml
    ? {[`/h/${origin.host}/hosts.toml`]: options.hostsToml(mirror.origin, origin.origin)}
    : {[CONF]: conf};
  const hosts = openHostDirectory({
    insecureRegistries: [],
    files: memoryFiles(files),
    registriesConfPaths: [CONF],
    hostsDirectories: ['/h'],
  });
  const client = openTestClient({hosts, timeouts: {responseMs: 1000}, ...options.clientOptions});
  const events: WinchEvent[] = [];
  return {
    mirror,
    origin,
    client,
    name: {registry: origin.host, repository: 'team/app'},
    events,
    onEvent: (event) => void events.push(event),
    [Symbol.asyncDispose]: async () => {
      client.close();
      await mirror.close();
      await origin.close();
    },
  };
}

const classesOf = ({requests}: RegistryServer): readonly string[] =>
  requests.map((request) => request.class ?? '').filter((name) => name !== 'ping');

const failures = (events: readonly WinchEvent[]) => events.filter((event) => event.type === 'mirror:failed');

/** Pulls the image by its tag. */
async function pull({client, name, onEvent}: Stage): Promise<void> {
  assert.deepEqual((await client.getManifest(name, '1.0', {onEvent})).bytes, IMAGE.manifest.bytes);
  assert.equal((await readAll(await client.openBlob(name, layer, {onEvent}))).length, layer.size);
}

describe('registry/mirrors', ({test}) => {
  test('reads everything from a mirror, under its name for the repository', async () => {
    await using stage = await openStage();
    await pull(stage);
    assert.deepEqual(classesOf(stage.mirror), ['manifest', 'blob']);
    assert.match(stage.mirror.requests[1]?.url ?? '', /^\/v2\/copy\/app\/manifests\/1\.0$/);
    assert.equal(stage.origin.requests.length, 0);
    assert.deepEqual(failures(stage.events), []);
  });

  test('goes on to the registry when a mirror lacks it, denies it or has a fault', async () => {
    for (const status of [404, 401, 403, 429, 500, 503]) {
      const faults = [{on: 'manifest', status} as const, {on: 'blob', status} as const];
      await using stage = await openStage({mirror: {faults}});
      await pull(stage);
      assert.deepEqual(classesOf(stage.origin), ['manifest', 'blob'], String(status));
      // Who asks for a pause is not asked for the blob, and the pause is not sat out.
      const isLeftAlone = status === 429 || status >= 500;
      assert.equal(classesOf(stage.mirror).length, isLeftAlone ? 1 : 2, String(status));
      const [failure] = failures(stage.events);
      assert.ok(failure?.type === 'mirror:failed');
      assert.deepEqual([failure.registry, failure.mirror], [stage.origin.host, stage.mirror.host]);
      assert.ok(failures(stage.events).length <= 2, 'one line for each reason');
    }
  });

  test('passes over a mirror that is down, and asks it only once', async () => {
    await using stage = await openStage();
    await stage.mirror.close();
    await pull(stage);
    await pull(stage);
    assert.equal(failures(stage.events).length, 1);
    assert.match(JSON.stringify(stage.events), /connection refused/);
    assert.deepEqual(classesOf(stage.origin), ['manifest', 'blob', 'manifest', 'blob']);
  });

  test('passes over a mirror that takes a request and never answers', async () => {
    await using stage = await openStage({mirror: {faults: [{on: 'manifest', hang: true}]}});
    await pull(stage);
    assert.deepEqual(classesOf(stage.mirror), ['manifest']);
    assert.deepEqual(classesOf(stage.origin), ['manifest', 'blob']);
  });

  test('comes back to a mirror that was down when the registry cannot be reached', async () => {
    await using stage = await openStage({mirror: {faults: [{on: 'manifest', times: 2, reset: true}]}});
    await pull(stage);
    await stage.origin.close();
    await pull(stage);
    assert.deepEqual(classesOf(stage.mirror), ['manifest', 'manifest', 'manifest', 'blob']);
  });

  test('waits for a mirror that asks for a pause when nobody else is there', async () => {
    const faults = [{on: 'manifest', times: 1, status: 429, headers: {'retry-after': '0'}} as const];
    await using stage = await openStage({mirror: {faults}});
    await stage.origin.close();
    await pull(stage);
    assert.deepEqual(classesOf(stage.mirror), ['manifest', 'manifest', 'blob']);
  });

  test("throws the registry's own error and counts the mirrors", async () => {
    await using stage = await openStage();
    const absent = await failureOf(stage.client.getManifest(stage.name, '2.0'));
    assert.equal(absent.code, 'MANIFEST_UNKNOWN');
    assert.match(absent.message, new RegExp(`^${stage.origin.host}/team/app has no tag 2.0`));
    await stage.mirror.close();
    await stage.origin.close();
    const error = await failureOf(stage.client.getManifest(stage.name, '1.0'));
    assert.equal(error.code, 'REGISTRY_UNREACHABLE');
    assert.match(error.message, new RegExp(`^${stage.origin.host} `));
    assert.equal(error.details.mirrors, 1);
  });

  test('takes what has a digest from the registry when the mirror serves something else under it', async () => {
    await using stage = await openStage({mirror: {faults: [{on: 'manifest', flipByteAt: 20}]}});
    const {client, name, onEvent, events} = stage;
    assert.deepEqual((await client.getManifest(name, BY_DIGEST, {onEvent})).bytes, IMAGE.manifest.bytes);
    assert.match(JSON.stringify(failures(events)), /another digest/);
    await client.getManifest(name, BY_DIGEST, {onEvent});
    assert.deepEqual(classesOf(stage.mirror), ['manifest'], 'the mirror is not asked for it again');
  });

  test('asks a mirror for digests only for what has one', async () => {
    await using stage = await openStage({keys: 'pull-from-mirror = "digest-only"'});
    await pull(stage);
    await stage.client.getManifest(stage.name, BY_DIGEST);
    assert.deepEqual(classesOf(stage.origin), ['manifest']);
    assert.deepEqual(classesOf(stage.mirror), ['blob', 'manifest']);
  });

  test('asks a mirror for tags only for images that it was asked for by tag', async () => {
    await using stage = await openStage({keys: 'pull-from-mirror = "tag-only"'});
    await stage.client.getManifest(stage.name, BY_DIGEST);
    assert.deepEqual(classesOf(stage.origin), ['manifest']);
    await pull(stage);
    assert.deepEqual(classesOf(stage.mirror), ['manifest', 'blob']);
    assert.deepEqual(classesOf(stage.origin), ['manifest']);
  });

  test('asks nobody where a registry is blocked', async () => {
    await using stage = await openStage({rule: 'blocked = true'});
    const error = await failureOf(stage.client.getManifest(stage.name, '1.0'));
    assert.deepEqual([error.code, error.kind], ['REGISTRY_BLOCKED', 'denied']);
    assert.match(error.message, /registries\.conf \(\[\[registry\]\] .*\/team\)/);
    assert.equal(stage.mirror.requests.length + stage.origin.requests.length, 0);
  });

  test('writes to the registry, and reads there what it is about to write', async () => {
    await using stage = await openStage();
    const {client, name} = stage;
    await client.getManifest(name, '1.0', {avoidsMirrors: true});
    await client.deleteManifest(name, '1.0').catch(() => {});
    await client.catalog(name.registry).catch(() => {});
    assert.equal(stage.mirror.requests.length, 0);
    assert.ok(stage.origin.requests.some(({method}) => method === 'DELETE'));
  });

  test('reads a blob from the registry alone where a mirror is not trusted any more', async () => {
    await using stage = await openStage();
    const blob = await stage.client.openBlob(stage.name, layer, {avoidsMirrors: true});
    assert.equal((await readAll(blob)).length, layer.size);
    assert.equal(stage.mirror.requests.length, 0);
  });

  test('follows hosts.toml: the path, the name space, headers and capabilities', async () => {
    const hostsToml = (mirror: string) => `
      [host."${mirror}/"]
      capabilities = ["pull"]
      [host."${mirror}/".header]
      x-canary = "canary"`;
    await using stage = await openStage({hostsToml});
    await pull(stage);
    assert.deepEqual(classesOf(stage.origin), ['manifest']);
    const [request] = stage.mirror.requests.filter((seen) => seen.class === 'blob');
    assert.match(request?.url ?? '', new RegExp(`^/v2/team/app/blobs/${layer.digest}\\?ns=`));
    assert.equal(request?.headers['x-canary'], 'canary');
    assert.doesNotMatch(JSON.stringify(stage.origin.requests), /canary|ns=/);
  });

  test('uses the address of hosts.toml as the whole place of the API where it says so', async () => {
    const hostsToml = (mirror: string) => `server = "${mirror}/v2"\noverride_path = true`;
    await using stage = await openStage({hostsToml});
    await pull(stage);
    assert.equal(stage.origin.requests.length, 0);
  });

  test('says that the hosts of hosts.toml leave nobody to ask', async () => {
    await using stage = await openStage({hostsToml: () => 'capabilities = ["pull"]'});
    const error = await failureOf(stage.client.getManifest(stage.name, '1.0'));
    assert.equal(error.code, 'ENDPOINT_MISSING');
    assert.match(error.message, /hosts\.toml names no host for .* asked what a tag is/);
  });

  test('raises what is odd about the files once', async () => {
    await using stage = await openStage({keys: 'insecur = true'});
    await pull(stage);
    await pull(stage);
    const warnings = stage.events.filter(({type}) => type === 'warning:raised');
    assert.equal(warnings.length, 1);
    assert.match(JSON.stringify(warnings), /SETTING_UNKNOWN/);
  });

  test('does not try a mirror twice for one request, nor the registry for an aborted one', async () => {
    await using stage = await openStage({mirror: {faults: [{on: 'manifest', hang: true}]}});
    const reason = new Error('enough');
    const abort = new AbortController();
    const pulled = stage.client.getManifest(stage.name, '1.0', {signal: abort.signal});
    setTimeout(() => abort.abort(reason), 100);
    await assert.rejects(pulled, reason);
    assert.equal(stage.origin.requests.length, 0);
  });

  test('treats a mirror that speaks no HTTP as one that is down', async () => {
    const server = createServer((socket) => socket.on('error', () => {}).end('SSH-2.0-x\r\n'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const hostsToml = () => `[host."http://127.0.0.1:${port}"]`;
    await using stage = await openStage({hostsToml});
    await pull(stage);
    server.close();
    assert.deepEqual(classesOf(stage.origin), ['manifest', 'blob']);
    assert.equal(failures(stage.events).length, 1);
  });
});
