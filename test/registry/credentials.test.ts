import * as assert from 'node:assert/strict';
import {type Credential, openDockerCredentials} from '../../src/registry/credentials.ts';
import {describe} from '../helpers/suite.ts';
import {failureOf, printable} from './with-registry.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const alice = {auth: base64('alice:pass:word')};
const found = {username: 'alice', password: 'pass:word'};

function source(config: unknown, helper: (name: string, address: string) => Credential | null = () => null) {
  const text = typeof config === 'string' ? config : JSON.stringify(config);
  return openDockerCredentials({
    readConfig: async () => Buffer.from(text),
    runHelper: async (...request) => helper(request[0], request[1]),
  });
}

describe('registry/credentials', ({test}) => {
  test('finds nothing without a file or an entry', async () => {
    const absent = openDockerCredentials({readConfig: async () => null, runHelper: async () => null});
    assert.equal(await absent('ghcr.io'), null);
    for (const config of ['{}', '{"auths":{}}', '{"auths":null}', '{"auths":{"ghcr.io":{}}}']) {
      assert.equal(await source(config)('ghcr.io'), null);
    }
  });

  test('reads auth as user, colon and a password that may hold colons', async () => {
    assert.deepEqual(await source({auths: {'ghcr.io': alice}})('ghcr.io'), found);
    assert.deepEqual(await source({auths: {'h:5000': {auth: base64('ü:ß')}}})('h:5000'), {
      username: 'ü',
      password: 'ß',
    });
    assert.deepEqual(await source({auths: {h: {auth: base64('a:b\0\0')}}})('h'), {username: 'a', password: 'b'});
    assert.deepEqual(await source({auths: {h: {username: 'a', password: 'b'}}})('h'), {username: 'a', password: 'b'});
  });

  test('reads identity and registry tokens', async () => {
    assert.deepEqual(await source({auths: {h: {auth: base64('u:'), identitytoken: 'i'}}})('h'), {
      identityToken: 'i',
      username: 'u',
    });
    assert.deepEqual(await source({auths: {h: {identitytoken: 'i'}}})('h'), {identityToken: 'i'});
    assert.deepEqual(await source({auths: {h: {...alice, registrytoken: 'r'}}})('h'), {registryToken: 'r'});
  });

  test('knows a registry under the keys that docker has used', async () => {
    for (const key of [
      'ghcr.io',
      'https://ghcr.io',
      'http://ghcr.io/',
      'https://ghcr.io/v1/',
      'https://ghcr.io/v2/',
      'ghcr.io/v2',
    ]) {
      assert.deepEqual(await source({auths: {[key]: alice}})('ghcr.io'), found, key);
    }
    for (const key of ['ghcr.io:443', 'ghcr.io.evil', 'evil/ghcr.io', 'ghcr.io/team', 'https://ghcr.io@evil']) {
      assert.equal(await source({auths: {[key]: alice}})('ghcr.io'), null, key);
    }
  });

  test('prefers the exact key', async () => {
    const auths = {'https://ghcr.io/v1/': {auth: base64('old:old')}, 'ghcr.io': alice};
    assert.deepEqual(await source({auths})('ghcr.io'), found);
  });

  test('knows Docker Hub under its old index key', async () => {
    for (const key of ['https://index.docker.io/v1/', 'index.docker.io', 'docker.io', 'registry-1.docker.io']) {
      assert.deepEqual(await source({auths: {[key]: alice}})('docker.io'), found, key);
    }
  });

  test('asks the helper of the registry, else the one for all, before the file', async () => {
    const config = {auths: {h: alice}, credHelpers: {h: 'one', g: 'none'}, credsStore: 'all'};
    const asked: string[] = [];
    const credentials = source(config, (name, address) => {
      asked.push(`${name} ${address}`);
      return name === 'none' ? null : {username: name, password: 'x'};
    });
    assert.deepEqual(await credentials('h'), {username: 'one', password: 'x'});
    assert.deepEqual(await credentials('docker.io'), {username: 'all', password: 'x'});
    assert.equal(await credentials('g'), null);
    assert.deepEqual(asked, ['one h', 'all https://index.docker.io/v1/', 'none g']);
  });

  test('falls back to the file when the helper has nothing', async () => {
    assert.deepEqual(await source({auths: {h: alice}, credsStore: 'all'})('h'), found);
  });

  test('refuses a malformed file or entry without repeating it', async () => {
    const entries = [{auth: '%%canary%%'}, {auth: base64('canary')}, {auth: base64(':canary')}, 'canary', ['canary']];
    const configs = ['{"auths": canary', '[]', '"canary"', ...entries.map((entry) => ({auths: {h: entry}}))];
    for (const config of configs) {
      const error = await failureOf(source(config)('h'));
      assert.equal(error.code, 'CREDENTIALS_INVALID', JSON.stringify(config));
      assert.equal(error.kind, 'unauthorized');
      assert.doesNotMatch(printable(error), /canary|Y2FuYXJ5/);
    }
  });

  test('is not led astray by keys of the prototype', async () => {
    assert.equal(await source('{"auths":{},"credHelpers":{}}')('constructor'), null);
    assert.equal(await source('{"auths":{"__proto__":{"auth":"YTpi"}}}')('h'), null);
  });
});
