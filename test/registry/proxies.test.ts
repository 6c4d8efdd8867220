import * as assert from 'node:assert/strict';
import {buildAuthority} from '../../fixtures/build-certificate.ts';
import {startProxy} from '../../fixtures/proxy-server.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {WinchError} from '../../src/errors.ts';
import {openHostDirectory} from '../../src/registry/host-directory.ts';
import {chooseProxy} from '../../src/registry/proxies.ts';
import {describe} from '../helpers/suite.ts';
import {memoryFiles} from './memory-files.ts';
import {failureOf, IMAGE, layerOf, openTestClient, printable, readAll} from './with-registry.ts';

const authority = buildAuthority();
/** A name that resolves nowhere: only a proxy can reach it. */
const HOST = 'registry.invalid';
const LOGIN = 'proxy-user:canary-secret';
const layer = layerOf(IMAGE);
const name = {registry: HOST, repository: 'team/app'};

const clientWith = (proxyEnvironment: Readonly<Record<string, string>>) =>
  openTestClient({
    proxyEnvironment,
    hosts: openHostDirectory({
      insecureRegistries: [],
      files: memoryFiles({'/ca.pem': authority.cert}),
      certificateAuthorityFiles: ['/ca.pem'],
    }),
  });

/** Asks the host over HTTP only. */
const plainClientWith = (proxyEnvironment: Readonly<Record<string, string>>) =>
  openTestClient({
    proxyEnvironment,
    hosts: openHostDirectory({
      insecureRegistries: [],
      files: memoryFiles({[`/h/${HOST}/hosts.toml`]: `server = "http://${HOST}"`}),
      hostsDirectories: ['/h'],
    }),
  });

describe('registry/proxies', ({test}) => {
  test('chooses by the rules that other tools share', () => {
    const choose = (url: string, environment: Readonly<Record<string, string>>) =>
      chooseProxy(new URL(url), environment).proxy?.href ?? null;
    const both = {HTTPS_PROXY: 'http://s:1', http_proxy: 'p.example:3128'};
    assert.equal(choose('https://r.example/', both), 'http://s:1/');
    assert.equal(choose('http://r.example/', both), 'http://p.example:3128/');
    assert.equal(choose('https://r.example/', {HTTP_PROXY: 'http://p'}), null);
    assert.equal(choose('https://r.example/', {HTTPS_PROXY: 'http://a', https_proxy: 'http://b'}), 'http://a/');
    assert.equal(choose('https://r.example/', {HTTPS_PROXY: '', https_proxy: 'http://b'}), 'http://b/');
    for (const host of ['localhost', '127.0.0.1:5000', '127.9.9.9', '[::1]:5000', 'x.localhost']) {
      assert.equal(choose(`https://${host}/`, both), null, host);
    }
  });

  test('leaves out what NO_PROXY lists', () => {
    const isDirect = (host: string, list: string) =>
      chooseProxy(new URL(`https://${host}/`), {HTTPS_PROXY: 'http://p', no_proxy: list}).proxy === null;
    const direct: readonly (readonly [host: string, list: string])[] = [
      ['r.example', '*'],
      ['r.example', 'a, r.example '],
      ['a.r.example', 'r.example'],
      ['a.r.example', '.r.example'],
      ['a.r.example', '*.r.example'],
      ['R.EXAMPLE', 'r.Example'],
      ['r.example', 'r.example:443'],
      ['r.example:8443', 'r.example:8443'],
      ['10.1.2.3', '10.0.0.0/8'],
      ['10.1.2.3', '10.1.2.3'],
      ['[fd00::1]', 'fd00::/8'],
      ['[fd00::1]', 'fd00::1'],
      ['[fd00::1]:5000', '[fd00::1]:5000'],
    ];
    for (const [host, list] of direct) assert.ok(isDirect(host, list), `${host} ${list}`);
    const proxied: readonly (readonly [host: string, list: string])[] = [
      ['r.example', ''],
      ['r.example', ',,'],
      ['r.example', '.r.example'],
      ['xr.example', 'r.example'],
      ['r.example', 'r.example:80'],
      ['r.example:8443', 'r.example:443'],
      ['11.1.2.3', '10.0.0.0/8'],
      ['10.1.2.3', '10.0.0.0/99'],
      ['10.1.2.3', '2.3'],
      ['r.example', '10.0.0.0/8'],
    ];
    for (const [host, list] of proxied) assert.ok(!isDirect(host, list), `${host} ${list}`);
  });

  test('refuses a proxy that it cannot use, without its login', () => {
    for (const value of [`socks5://${LOGIN}@p:1`, `http://${LOGIN}@[`, 'ftp://p']) {
      const choose = () => chooseProxy(new URL('https://r.example/'), {HTTPS_PROXY: value});
      assert.throws(choose, (error) => {
        assert.ok(error instanceof WinchError);
        assert.deepEqual([error.code, error.kind], ['PROXY_INVALID', 'invalid']);
        assert.match(error.message, /^\$HTTPS_PROXY /);
        assert.doesNotMatch(printable(error), /canary/);
        return true;
      });
    }
  });

  test('reaches a registry through a tunnel, with the login of the proxy and TLS to the registry', async () => {
    await using registry = await startRegistry({tls: authority.issue({addresses: [], names: [HOST]})});
    registry.put(name.repository, '1.0', IMAGE);
    await using proxy = await startProxy({login: LOGIN, target: registry.host});
    await using client = clientWith({HTTPS_PROXY: `http://${LOGIN}@${new URL(proxy.url).host}`});
    assert.deepEqual((await client.getManifest(name, '1.0')).bytes, IMAGE.manifest.bytes);
    assert.equal((await readAll(await client.openBlob(name, layer))).length, layer.size);
    assert.ok(proxy.requests.every(({method, url}) => method === 'CONNECT' && url === `${HOST}:443`));
    assert.ok(proxy.requests.length <= 2, 'tunnels are kept');
    assert.doesNotMatch(JSON.stringify(registry.requests), /canary|proxy-authorization/i);
  });

  test('R16 checks the certificate of the registry through a tunnel', async () => {
    await using registry = await startRegistry({tls: authority.issue()});
    await using proxy = await startProxy({target: registry.host});
    await using client = clientWith({HTTPS_PROXY: proxy.url});
    const error = await failureOf(client.getManifest(name, '1.0'));
    assert.equal(error.code, 'TLS_FAILED');
    assert.match(error.message, /^registry\.invalid cannot be trusted: its certificate is for another host$/);
    assert.equal(registry.requests.length, 0);
  });

  test('sends plain HTTP to the proxy as whole URLs', async () => {
    await using registry = await startRegistry();
    registry.put(name.repository, '1.0', IMAGE);
    await using proxy = await startProxy({login: LOGIN, target: registry.host});
    await using client = plainClientWith({http_proxy: `${LOGIN}@${new URL(proxy.url).host}`});
    assert.deepEqual((await client.getManifest(name, '1.0')).bytes, IMAGE.manifest.bytes);
    assert.match(proxy.requests[0]?.url ?? '', new RegExp(`^http://${HOST}/v2/`));
    assert.doesNotMatch(JSON.stringify(registry.requests), /canary|proxy-authorization/i);
  });

  test('asks loopback and what NO_PROXY lists directly', async () => {
    await using registry = await startRegistry();
    registry.put(name.repository, '1.0', IMAGE);
    await using proxy = await startProxy();
    await using client = clientWith({HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url, NO_PROXY: HOST});
    await client.getManifest({...name, registry: registry.host}, '1.0');
    const error = await failureOf(client.getManifest(name, '1.0'));
    assert.equal(error.code, 'REGISTRY_UNREACHABLE');
    assert.equal(proxy.requests.length, 0);
  });

  test('names the proxy when it is the proxy that fails, and never its login', async () => {
    const cases = [
      [{tunnelStatus: 403}, /registry\.invalid cannot be reached through the proxy 127\.0\.0\.1:\d+: it answers 403/],
      [{login: 'other:login'}, /it wants a login/],
      [{hangsUp: true}, /it closes the connection/],
    ] as const;
    for (const [options, message] of cases) {
      await using proxy = await startProxy(options);
      await using client = clientWith({HTTPS_PROXY: `http://${LOGIN}@${new URL(proxy.url).host}`});
      const error = await failureOf(client.getManifest(name, '1.0'));
      assert.deepEqual([error.code, error.kind], ['PROXY_FAILED', 'unavailable']);
      assert.match(error.message, message);
      assert.doesNotMatch(printable(error), /canary/);
    }
  });

  test('names a proxy that cannot be reached, and one that wants a login for plain HTTP', async () => {
    const gone = await startProxy();
    await gone[Symbol.asyncDispose]();
    await using client = clientWith({HTTPS_PROXY: gone.url});
    const error = await failureOf(client.getManifest(name, '1.0'));
    assert.equal(error.code, 'PROXY_FAILED');
    assert.match(error.message, /since the proxy 127\.0\.0\.1:\d+ cannot: connection refused/);
    await using proxy = await startProxy({login: LOGIN});
    await using plain = plainClientWith({HTTP_PROXY: proxy.url});
    const refused = await failureOf(plain.getManifest(name, '1.0'));
    assert.equal(refused.code, 'PROXY_FAILED');
    assert.match(refused.message, /it wants a login/);
  });
});
