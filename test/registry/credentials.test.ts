import * as assert from 'node:assert/strict';
import {type Credential, type GivenCredential, openCredentials} from '../../src/registry/credentials.ts';
import {describe} from '../helpers/suite.ts';
import {failureOf, printable} from './with-registry.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const alice = {auth: base64('alice:pass:word')};
const found = {username: 'alice', password: 'pass:word'};

type Helper = (name: string, address: string) => Credential | null;

function open(
  places: readonly {readonly name: string; readonly text: string | null}[],
  helper: Helper = () => null,
  given?: GivenCredential,
) {
  return openCredentials({
    given,
    places: places.map(({name, text}) => ({name, read: async () => (text === null ? null : Buffer.from(text))})),
    askHelper: async (name, address) => helper(name, address),
  });
}

function source(config: unknown, helper?: Helper) {
  const text = typeof config === 'string' ? config : JSON.stringify(config);
  return open([{name: 'config.json', text}], helper).find;
}

describe('registry/credentials', ({test}) => {
  test('finds nothing without a file or an entry', async () => {
    assert.equal(await open([{name: 'absent', text: null}]).find('ghcr.io'), null);
    for (const config of ['', '{}', '{"auths":{}}', '{"auths":null}', '{"auths":{"ghcr.io":{}}}']) {
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

  test('A06 names the file and the entry that is malformed', async () => {
    const error = await failureOf(source({auths: {'ghcr.io': {auth: '%%canary%%'}}})('ghcr.io'));
    assert.equal(error.message, 'config.json: the entry for ghcr.io has an "auth" that is not base64 of user:password');
  });

  test('takes the entry of the longest path that leads to the repository', async () => {
    const auths = {
      'quay.io': {auth: base64('host:x')},
      'quay.io/team': {auth: base64('team:x')},
      'quay.io/team/app': {auth: base64('app:x')},
      'quay.io/te': {auth: base64('prefix:x')},
    };
    const userFor = async (repository?: string) => {
      const found = await source({auths})('quay.io', {repository});
      return found && 'username' in found ? found.username : null;
    };
    assert.deepEqual(
      await Promise.all([undefined, 'team', 'team/app', 'team/app/sub', 'team/apps', 'other'].map(userFor)),
      ['host', 'team', 'app', 'app', 'team', 'host'],
    );
    const hub = source({auths: {'docker.io/library': alice}});
    assert.deepEqual(await hub('docker.io', {repository: 'library/debian'}), found);
    assert.equal(await hub('docker.io', {repository: 'user/app'}), null);
  });

  test('asks place after place until one holds a login', async () => {
    const places = [
      {name: 'first', text: null},
      {name: 'second', text: JSON.stringify({auths: {h: {auth: base64('second:x')}}})},
      {name: 'third', text: JSON.stringify({auths: {h: {auth: base64('third:x')}, g: {auth: base64('g:x')}}})},
    ];
    const {describe: describeLogin} = open(places);
    assert.deepEqual(await describeLogin('h'), {source: 'second', username: 'second', kind: 'password'});
    assert.deepEqual(await describeLogin('g'), {source: 'third', username: 'g', kind: 'password'});
    assert.equal(await describeLogin('f'), null);
  });

  test('sends what the caller gave to the registries it is for, and nowhere else', async () => {
    const given = {registries: ['h'], credential: {username: 'bob', password: 'canary'}};
    const places = [{name: 'file', text: JSON.stringify({auths: {h: alice, mirror: alice}})}];
    const credentials = open(places, undefined, given);
    assert.deepEqual(await credentials.find('h', {repository: 'a'}), given.credential);
    assert.deepEqual(await credentials.find('mirror'), found);
    assert.deepEqual(await credentials.describe('h'), {source: 'the command line', username: 'bob', kind: 'password'});
  });

  test('describes a login without its secret', async () => {
    const config = {
      auths: {a: {auth: base64('u:'), identitytoken: 'canary'}, b: {registrytoken: 'canary'}},
      credHelpers: {c: 'safe'},
    };
    const {describe: describeLogin} = open([{name: 'file', text: JSON.stringify(config)}], () => ({
      username: 'u',
      password: 'canary',
    }));
    const described = await Promise.all(['a', 'b', 'c'].map((registry) => describeLogin(registry)));
    assert.deepEqual(described, [
      {source: 'file', username: 'u', kind: 'identity-token'},
      {source: 'file', username: null, kind: 'registry-token'},
      {source: 'docker-credential-safe (file)', username: 'u', kind: 'password'},
    ]);
  });

  test('leaves out a helper for all registries that knows nothing of this one, until it is needed', async () => {
    const asked: string[] = [];
    const config = {auths: {known: {}}, credHelpers: {own: 'own'}, credsStore: 'all'};
    const credentials = source(config, (name, address) => {
      asked.push(`${name} ${address}`);
      return null;
    });
    for (const registry of ['known', 'own', 'other']) await credentials(registry, {isThorough: false});
    assert.deepEqual(asked, ['all known', 'own own']);
    await credentials('other');
    assert.deepEqual(asked.slice(2), ['all other']);
  });

  test('is not led astray by keys of the prototype', async () => {
    assert.equal(await source('{"auths":{},"credHelpers":{}}')('constructor'), null);
    assert.equal(await source('{"auths":{"__proto__":{"auth":"YTpi"}}}')('h'), null);
  });
});
