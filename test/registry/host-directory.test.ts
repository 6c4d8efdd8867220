import * as assert from 'node:assert/strict';
import {buildCertificate} from '../../fixtures/build-certificate.ts';
import {type HostDirectoryOptions, openHostDirectory} from '../../src/registry/host-directory.ts';
import type {HostPlan} from '../../src/registry/host-plan.ts';
import {describe} from '../helpers/suite.ts';
import {memoryFiles} from './memory-files.ts';
import {failureOf} from './with-registry.ts';

const CONF = '/c/registries.conf';
const {cert, key} = buildCertificate();

const open = (files: Readonly<Record<string, string>>, options: Partial<HostDirectoryOptions> = {}) =>
  openHostDirectory({
    insecureRegistries: [],
    files: memoryFiles(files),
    registriesConfPaths: [CONF],
    hostsDirectories: ['/h'],
    certificateDirectories: ['/certs'],
    ...options,
  });

const planOf = (files: Readonly<Record<string, string>>, name: string): Promise<HostPlan> => {
  const slash = name.indexOf('/');
  return open(files).plan({registry: name.slice(0, slash), repository: name.slice(slash + 1)});
};

const places = ({endpoints}: HostPlan): readonly string[] =>
  endpoints.map(({origins, apiPath, repository}) => `${origins.join(' ')} ${apiPath} ${repository}`);

describe('registry/host-directory', ({test}) => {
  test('plans nothing but the registry where no file says anything', async () => {
    const plan = await planOf({}, 'docker.io/library/alpine');
    assert.deepEqual(places(plan), ['https://registry-1.docker.io /v2 library/alpine']);
    assert.deepEqual(plan.endpoints[0]?.capabilities, ['pull', 'resolve', 'push']);
    assert.equal(plan.endpoints[0]?.host, 'docker.io');
  });

  test('puts mirrors first and the registry last, each with its own name for the repository', async () => {
    const conf = `
      [[registry]]
      prefix = "docker.io/library"
      location = "internal.example/base"
      [[registry.mirror]]
      location = "m.example:5000/hub"
      insecure = true
      [[registry.mirror]]
      location = "docker.io"`;
    const plan = await planOf({[CONF]: conf}, 'docker.io/library/alpine');
    assert.deepEqual(places(plan), [
      'https://m.example:5000 http://m.example:5000 /v2 hub/alpine',
      'https://registry-1.docker.io /v2 library/alpine',
      'https://internal.example /v2 base/alpine',
    ]);
    assert.deepEqual(
      plan.endpoints.map(({isMirror, capabilities}) => [isMirror, capabilities.includes('push')]),
      [
        [true, false],
        [true, false],
        [false, true],
      ],
    );
    assert.deepEqual(plan.endpoints[0]?.source, {file: CONF, entry: '[[registry]] docker.io/library, mirror 1'});
    assert.equal(plan.pushEndpoint.origins[0], 'https://registry-1.docker.io');
    assert.equal(plan.pushEndpoint.repository, 'library/alpine');
  });

  test('chooses the rule with the longest prefix, at whole parts of a name', async () => {
    const conf = `
      [[registry]]
      prefix = "r.example"
      location = "one.example"
      [[registry]]
      prefix = "r.example/team"
      location = "two.example"
      [[registry]]
      prefix = "*.example"
      location = "wild.example/x"
      [[registry]]
      prefix = "*.blocked.test"
      blocked = true`;
    const repositoryAt = async (name: string) => (await planOf({[CONF]: conf}, name)).endpoints.at(-1);
    const where = async (name: string) => {
      const endpoint = await repositoryAt(name);
      return `${endpoint?.host}/${endpoint?.repository}`;
    };
    assert.equal(await where('r.example/team/app'), 'two.example/app');
    assert.equal(await where('r.example/teams/app'), 'one.example/teams/app');
    assert.equal(await where('s.example/app'), 'wild.example/x/app');
    assert.equal(await where('a.b.example:8443/app'), 'wild.example/x/app');
    assert.equal(await where('r.example:5000/app'), 'wild.example/x/app');
    assert.equal(await where('example/app'), 'example/app');
    const {blockedBy, endpoints} = await planOf({[CONF]: conf}, 'a.blocked.test/x');
    assert.deepEqual(blockedBy, {file: CONF, entry: '[[registry]] *.blocked.test'});
    assert.equal(endpoints[0]?.host, 'a.blocked.test');
  });

  test('reads the drop-ins beside the main file and beside more specific places, in order', async () => {
    const rule = (location: string) => `[[registry]]\nprefix = "r.example"\nlocation = "${location}"`;
    const files = {
      '/etc/r.conf': rule('main.example'),
      '/etc/r.conf.d/10-a.conf': rule('a.example'),
      '/etc/r.conf.d/README': 'no TOML at all',
      '/home/r.conf.d/05-b.conf': rule('b.example'),
      '/usr/r.conf.d/99-z.conf': rule('z.example'),
    };
    const registriesConfPaths = ['/home/r.conf', '/etc/r.conf', '/usr/r.conf'];
    const name = {registry: 'r.example', repository: 'x'};
    const first = await open(files, {registriesConfPaths}).plan(name);
    assert.equal(first.endpoints[0]?.host, 'b.example');
    const own = {...files, '/home/r.conf': rule('own.example'), '/home/r.conf.d/05-b.conf': ''};
    assert.equal((await open(own, {registriesConfPaths}).plan(name)).endpoints[0]?.host, 'own.example');
  });

  test('takes the hosts of hosts.toml, and the server last', async () => {
    const toml = `
      server = "https://docker.io"
      [host."https://mirror.example/proxy"]
      capabilities = ["pull"]
      [host."https://registry-1.docker.io"]
      [host."http://plain.example:5000"]
      skip_verify = true
      [host."https://push.example"]
      capabilities = ["push"]`;
    const plan = await planOf({'/h/docker.io/hosts.toml': toml}, 'docker.io/library/alpine');
    assert.deepEqual(places(plan), [
      'https://mirror.example /proxy/v2 library/alpine',
      'https://registry-1.docker.io /v2 library/alpine',
      'http://plain.example:5000 https://plain.example:5000 /v2 library/alpine',
    ]);
    assert.deepEqual(plan.endpoints[0]?.query, {ns: 'docker.io'});
    assert.deepEqual([plan.endpoints[1]?.query, plan.endpoints[1]?.isMirror], [{}, false]);
    assert.equal(plan.pushEndpoint.host, 'docker.io');
  });

  test('finds hosts.toml under every way to write a port, and under _default', async () => {
    const toml = (name: string) => `[host."https://${name}.example"]`;
    const files = {
      '/h/r.example_5000_/hosts.toml': toml('first'),
      '/h/r.example:5000/hosts.toml': toml('second'),
      '/h/_default/hosts.toml': toml('default'),
    };
    const hostOf = async (name: string) => (await planOf(files, name)).endpoints[0]?.host;
    assert.equal(await hostOf('r.example:5000/x'), 'first.example');
    assert.equal(await hostOf('other.example/x'), 'default.example');
    const server = {'/h/_default/hosts.toml': 'server = "https://only.example"'};
    assert.deepEqual(places(await planOf(server, 'r.example/x')), ['https://only.example /v2 x']);
  });

  test('finds certificates of a host, and of the other places that a plan names', async () => {
    const files = {
      [CONF]: '[[registry]]\nlocation = "r.example"\n[[registry.mirror]]\nlocation = "m.example:5000"',
      '/certs/r.example/ca.crt': cert,
      '/certs/r.example/client.cert': cert,
      '/certs/r.example/client.key': key,
      '/h/m.example:5000/ca.crt': cert,
    };
    const {endpoints} = await planOf(files, 'r.example/x');
    assert.deepEqual(
      endpoints.map(({tls}) => [tls.isVerified, tls.authorities.length, tls.client !== null, tls.files.length]),
      [
        [true, 1, false, 1],
        [true, 1, true, 3],
      ],
    );
    assert.deepEqual((await open(files).tls('m.example:5000')).files, ['/h/m.example:5000/ca.crt']);
  });

  test('verifies loopback once there are certificates for it, and does not ask it over HTTP', async () => {
    const files = {'/certs/127.0.0.1:5000/ca.crt': cert};
    const {endpoints} = await planOf(files, '127.0.0.1:5000/x');
    assert.deepEqual(endpoints[0]?.origins, ['https://127.0.0.1:5000']);
    assert.equal(endpoints[0]?.tls.isVerified, true);
    const insecure = await open(files, {insecureRegistries: 'all'}).plan({registry: '127.0.0.1:5000', repository: 'x'});
    assert.equal(insecure.endpoints[0]?.tls.isVerified, false);
    assert.equal((await open({}).tls('127.0.0.1:5000')).isVerified, false);
    assert.equal((await open({}).tls('r.example')).isVerified, true);
  });

  test('refuses certificates that are half there', async () => {
    const empty = open({}, {certificateDirectory: '/d'}).plan({registry: 'r.example', repository: 'x'});
    assert.match((await failureOf(empty)).message, /^\/d: it holds no certificates/);
    const cases: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
      [{'/certs/r.example/a.cert': cert}, /a\.cert: there is no a\.key beside it; .* end in \.crt/],
      [{'/certs/r.example/a.key': key}, /a\.key: there is no a\.cert beside it/],
      [{'/certs/r.example/a.crt': 'none'}, /a\.crt: it holds no certificate \(PEM\)/],
      [{'/h/r.example/hosts.toml': 'ca = "missing.crt"'}, /\/h\/r\.example\/missing\.crt: there is no such file/],
    ];
    for (const [files, message] of cases) {
      const error = await failureOf(planOf(files, 'r.example/x'));
      assert.equal(error.code, 'REGISTRY_CONFIG_INVALID');
      assert.match(error.message, message);
    }
  });

  test('leaves out files that are only about short names, and no others', async () => {
    const names = `
      # comment
      unqualified-search-registries = ["a.example"]
      [aliases]
        # comment
        "x" = "a.example/x"`;
    const name = {registry: 'r.example', repository: 'x'};
    const directory = open({
      [CONF]: names,
      [`${CONF}.d/1.conf`]: '[[registry]]\nlocation = "r.example"\nblocked = true',
    });
    assert.equal((await directory.plan(name)).blockedBy?.file, `${CONF}.d/1.conf`);
    assert.equal((await directory.registriesConf()).aliases.get('x')?.name, 'a.example/x');
    for (const text of [`${names}\nlocation = "x`, '[[registry]', 'unqualified-search-registries = [\n"a"']) {
      assert.equal((await failureOf(open({[CONF]: text}).plan(name))).code, 'REGISTRY_CONFIG_INVALID', text);
    }
  });

  test('reads each file once, and none before a plan', async () => {
    const files = memoryFiles({[CONF]: '[[registry]]\nlocation = "r.example"\nmirrors = 1'});
    const directory = open({}, {files});
    assert.deepEqual(files.reads, []);
    await directory.plan({registry: 'r.example', repository: 'x'});
    const {length} = files.reads;
    await directory.plan({registry: 'r.example', repository: 'x'});
    await directory.plan({registry: 'r.example', repository: 'y'});
    assert.equal(files.reads.length, length);
    assert.equal(new Set(files.reads).size, length);
    assert.equal(directory.takeWarnings().length, 1);
    assert.equal(directory.takeWarnings().length, 0);
  });
});
