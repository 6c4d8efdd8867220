import * as assert from 'node:assert/strict';
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {buildAuthority, buildCertificate} from '../../fixtures/build-certificate.ts';
import {startProxy} from '../../fixtures/proxy-server.ts';
import {type RegistryServer, startRegistry} from '../../fixtures/registry-server.ts';
import {startDockerRegistry} from '../helpers/docker-registry.ts';
import {findProgram} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch, type Winch, type WinchCall, type WinchExit} from '../helpers/winch.ts';
import {IMAGE} from '../registry/with-registry.ts';

const skip = findProgram('docker-registry') ? undefined : 'needs docker-registry';
const HOST = 'registry.invalid';
const authority = buildAuthority();

const pull = (winch: Winch, words: readonly string[], call?: WinchCall): Promise<WinchExit> =>
  winch.run(['pull', '--download-only', '--durability', 'fast', ...words], call);

function write(path: string, text: string): void {
  mkdirSync(join(path, '..'), {recursive: true});
  writeFileSync(path, text);
}

async function startFilled(tls?: {readonly key: string; readonly cert: string}): Promise<RegistryServer> {
  const registry = await startRegistry(tls ? {tls} : {});
  registry.put('team/app', '1.0', IMAGE);
  return registry;
}

function assertPulled({exitCode, stdout, stderr}: WinchExit): void {
  assert.equal(exitCode, 0, stderr);
  assert.equal(stdout, `${IMAGE.manifest.digest}\n`);
}

describe('e2e/hosts', ({test}) => {
  test(
    'shows a registry with a private authority the certificate that it wants',
    async () => {
      using winch = makeWinch();
      await using real = await startDockerRegistry({tls: {...authority.issue(), ca: authority.cert}});
      const client = authority.issue({addresses: []});
      const image = `${real.host}/team/app:1.0`;
      const directory = join(winch.directory, 'flat');
      write(join(directory, 'ca.crt'), authority.cert);
      const bare = await pull(winch, ['--cert-dir', directory, image]);
      assert.equal(bare.exitCode, 4);
      assert.match(bare.stderr, /TLS_FAILED|REGISTRY_UNAVAILABLE/);
      write(join(directory, 'client.cert'), client.cert);
      write(join(directory, 'client.key'), client.key);
      assert.match((await pull(winch, ['--cert-dir', directory, image])).stderr, /NAME_UNKNOWN|MANIFEST_UNKNOWN/);
      const place = join(winch.directory, 'certs.d', real.host);
      write(join(place, 'ca.crt'), authority.cert);
      write(join(place, 'client.cert'), client.cert);
      write(join(place, 'client.key'), client.key);
      assert.match((await pull(winch, [image])).stderr, /NAME_UNKNOWN|MANIFEST_UNKNOWN/);
    },
    {skip},
  );

  test(
    'pulls through a real mirror, which then stands in for the registry',
    async () => {
      const upstream = await startFilled();
      await using mirror = await startDockerRegistry({proxyOf: upstream.origin, tls: authority.issue()});
      using first = makeWinch();
      using second = makeWinch();
      for (const winch of [first, second]) {
        const conf = `[[registry]]\nlocation = "${upstream.host}"\n[[registry.mirror]]\nlocation = "${mirror.host}"`;
        write(join(winch.directory, 'registries.conf'), conf);
        write(join(winch.directory, 'certs.d', mirror.host, 'ca.crt'), authority.cert);
      }
      assertPulled(await pull(first, [`${upstream.host}/team/app:1.0`]));
      assert.ok(upstream.requests.every(({headers}) => !headers['user-agent']?.startsWith('winch/')));
      await upstream.close();
      assertPulled(await pull(second, [`${upstream.host}/team/app:1.0`]));
    },
    {skip},
  );

  test('says in one line that a mirror is down, and pulls all the same', async () => {
    using winch = makeWinch();
    await using registry = await startFilled();
    const mirror = await startRegistry();
    await mirror.close();
    const conf = `[[registry]]\nlocation = "${registry.host}"\n[[registry.mirror]]\nlocation = "${mirror.host}"`;
    write(join(winch.directory, 'registries.conf'), conf);
    const result = await pull(winch, [`${registry.host}/team/app:1.0`]);
    assertPulled(result);
    const lines = result.stderr.split('\n').filter((line) => line.includes(mirror.host));
    assert.equal(lines.length, 1, result.stderr);
    assert.match(lines[0] ?? '', /connection refused/);
  });

  test('takes a layer that a mirror sends wrongly from the registry', async () => {
    using winch = makeWinch();
    await using registry = await startFilled();
    await using mirror = await startFilled();
    mirror.setFaults([{on: 'blob', matching: IMAGE.layers[0]?.digest ?? '', flipByteAt: 1000}]);
    const conf = `[[registry]]\nlocation = "${registry.host}"\n[[registry.mirror]]\nlocation = "${mirror.host}"`;
    write(join(winch.directory, 'registries.conf'), conf);
    assertPulled(await pull(winch, [`${registry.host}/team/app:1.0`]));
    const asked = registry.requests.filter((request) => request.class !== 'ping');
    assert.deepEqual(
      asked.map(({url}) => url),
      [`/v2/team/app/blobs/${IMAGE.layers[0]?.digest}`],
    );
  });

  test('refuses a blocked registry and names the file', async () => {
    using winch = makeWinch();
    await using registry = await startFilled();
    write(join(winch.directory, 'registries.conf'), `[[registry]]\nlocation = "${registry.host}"\nblocked = true`);
    const {exitCode, stderr} = await pull(winch, [`${registry.host}/team/app:1.0`]);
    assert.equal(exitCode, 5);
    assert.match(stderr, /REGISTRY_BLOCKED: .*registries\.conf/);
    assert.equal(registry.requests.length, 0);
  });

  test('trusts a private authority by --cacert and SSL_CERT_FILE, through the proxy of the environment', async () => {
    await using registry = await startFilled(authority.issue({addresses: [], names: [HOST]}));
    await using proxy = await startProxy({login: 'user:canary-secret', target: registry.host});
    const HTTPS_PROXY = `http://user:canary-secret@${new URL(proxy.url).host}`;
    using winch = makeWinch();
    const file = join(winch.directory, 'ca.pem');
    write(file, authority.cert);
    const image = `${HOST}/team/app:1.0`;
    const refused = await pull(winch, [image], {env: {HTTPS_PROXY}});
    assert.equal(refused.exitCode, 4);
    assert.match(refused.stderr, /TLS_FAILED: registry\.invalid cannot be trusted: .*not known here.*--cacert/s);
    assertPulled(await pull(winch, ['--cacert', file, image], {env: {HTTPS_PROXY}}));
    assertPulled(await pull(winch, [image], {env: {HTTPS_PROXY, SSL_CERT_FILE: file}}));
    const denied = await pull(winch, ['--cacert', file, image], {env: {HTTPS_PROXY: proxy.url}});
    assert.match(denied.stderr, /PROXY_FAILED: registry\.invalid .* wants a login/);
    assert.ok(proxy.requests.every(({method, url}) => method === 'CONNECT' && url === `${HOST}:443`));
    assert.doesNotMatch(refused.stderr + denied.stderr, /canary/);
  });

  test('takes any certificate with --tls-verify=false', async () => {
    await using registry = await startFilled(buildCertificate({addresses: ['10.9.9.9']}));
    await using proxy = await startProxy({target: registry.host});
    using winch = makeWinch();
    const call = {env: {HTTPS_PROXY: proxy.url}};
    const image = `${HOST}/team/app:1.0`;
    assert.match((await pull(winch, [image], call)).stderr, /TLS_FAILED/);
    assertPulled(await pull(winch, ['--tls-verify=false', image], call));
  });
});
