import * as assert from 'node:assert/strict';
import {mkdirSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {buildAuthority} from '../../fixtures/build-certificate.ts';
import {explainRegistry} from '../../src/images/explain-registry.ts';
import type {RegistrySettings} from '../../src/images/registry-settings.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

const SECRET = 'canary-secret';
const digest = `sha256:${'1'.repeat(64)}`;

/** Settings whose files hold what is given by their names. */
function writeSettings(directory: string, files: Readonly<Record<string, string>>): RegistrySettings {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), {recursive: true});
    writeFileSync(join(directory, name), text);
  }
  return {
    registriesConfPaths: [join(directory, 'registries.conf')],
    hostsDirectories: [join(directory, 'hosts')],
    certificateDirectories: [join(directory, 'certs')],
    dockerConfigPath: join(directory, 'config.json'),
    proxyEnvironment: {HTTPS_PROXY: `http://user:${SECRET}@proxy.example:3128`, NO_PROXY: 'mirror.example'},
  };
}

const auth = (user: string) => ({auth: Buffer.from(`${user}:${SECRET}`).toString('base64')});

describe('images/explain-registry', ({test}) => {
  test('tells each endpoint in turn with the file, TLS, proxy and login that count, and no secret', async () => {
    using directory = makeTemporaryDirectory();
    const settings = writeSettings(directory.path, {
      'registries.conf': `
        [[registry]]
        prefix = "r.example/team"
        location = "inner.example/base"
        [[registry.mirror]]
        location = "mirror.example"
        insecure = true`,
      'certs/inner.example/ca.crt': buildAuthority().cert,
      'config.json': JSON.stringify({auths: {'inner.example': auth('inner'), 'r.example': auth('outer')}}),
    });
    const explanation = await explainRegistry(settings, 'r.example/team/app:1');
    const [mirror, inner] = explanation.endpoints;
    assert.equal(explanation.reference, 'r.example/team/app:1');
    assert.equal(explanation.shortName, null);
    assert.deepEqual(mirror?.urls, ['https://mirror.example/v2/app', 'http://mirror.example/v2/app']);
    assert.deepEqual([mirror?.isMirror, mirror?.isAsked, mirror?.tls.isVerified], [true, true, false]);
    assert.deepEqual(mirror?.proxy, {url: null, reason: 'NO_PROXY lists mirror.example'});
    assert.equal(mirror?.login, null);
    assert.deepEqual(inner?.urls, ['https://inner.example/v2/base/app']);
    assert.deepEqual(inner?.tls, {isVerified: true, files: [join(directory.path, 'certs/inner.example/ca.crt')]});
    assert.deepEqual(inner?.proxy, {url: 'http://proxy.example:3128', reason: 'HTTPS_PROXY is set'});
    const source = join(directory.path, 'config.json');
    assert.deepEqual(inner?.login, {source, username: 'inner', kind: 'password'});
    assert.equal(inner?.source.file, join(directory.path, 'registries.conf'));
    assert.equal(explanation.pushEndpoint.host, 'r.example');
    assert.equal(explanation.pushEndpoint.login?.username, 'outer');
    assert.doesNotMatch(JSON.stringify(explanation), /canary/);
  });

  test('tells which endpoints are asked for a tag and which for a digest', async () => {
    using directory = makeTemporaryDirectory();
    const settings = writeSettings(directory.path, {
      'hosts/r.example/hosts.toml': `[host."https://pull.example"]\ncapabilities = ["pull"]`,
    });
    const asked = async (name: string) =>
      (await explainRegistry(settings, name)).endpoints.map(({host, isAsked}) => `${host} ${isAsked}`);
    assert.deepEqual(await asked('r.example/app:1'), ['pull.example false', 'r.example true']);
    assert.deepEqual(await asked(`r.example/app@${digest}`), ['pull.example true', 'r.example true']);
  });

  test('explains short names, and the aliases and searches that are not used', async () => {
    using directory = makeTemporaryDirectory();
    const settings = writeSettings(directory.path, {
      'registries.conf': 'unqualified-search-registries = ["quay.io"]\n[aliases]\nfedora = "quay.io/fedora/fedora"',
    });
    const {reference, shortName} = await explainRegistry(settings, 'fedora:44');
    const file = join(directory.path, 'registries.conf');
    assert.equal(reference, 'docker.io/library/fedora:44');
    assert.deepEqual(shortName?.unusedAlias, {name: 'quay.io/fedora/fedora', file});
    assert.deepEqual(shortName?.unusedSearch, {names: ['quay.io'], file});
    assert.notEqual((await explainRegistry(settings, 'user/app')).shortName, null);
    for (const name of ['localhost/app', 'r.example/app', 'host:5000/app']) {
      assert.equal((await explainRegistry(settings, name)).shortName, null, name);
    }
  });

  test('tells what blocks a registry, and what is odd about the files', async () => {
    using directory = makeTemporaryDirectory();
    const settings = writeSettings(directory.path, {
      'registries.conf': '[[registry]]\nlocation = "r.example"\nblocked = true\nmirrors = []',
    });
    const {blockedBy, warnings} = await explainRegistry(settings, 'r.example/app');
    assert.deepEqual(blockedBy, {file: join(directory.path, 'registries.conf'), entry: '[[registry]] r.example'});
    assert.deepEqual(
      warnings.map(({code}) => code),
      ['SETTING_UNKNOWN'],
    );
  });

  test('says why a login cannot be told', async () => {
    using directory = makeTemporaryDirectory();
    const settings = writeSettings(directory.path, {'config.json': '{'});
    const {endpoints} = await explainRegistry(settings, 'r.example/app');
    assert.equal(endpoints[0]?.login, null);
    assert.match(endpoints[0]?.loginFault ?? '', /JSON/);
  });
});
