import * as assert from 'node:assert/strict';
import {
  findLogin,
  formatEntry,
  parseLoginDocument,
  putEntry,
  removeEntries,
  targetOfKey,
} from '../../src/registry/login-document.ts';
import {describe} from '../helpers/suite.ts';

const parse = (text: string) => parseLoginDocument(Buffer.from(text), 'config.json');
const auth = (pair: string) => ({auth: Buffer.from(pair).toString('base64')});

describe('registry/login-document', ({test}) => {
  test('adds an entry and keeps everything else, member by member', () => {
    const text = `{
      "HttpHeaders": {"X": "1"}, "big": 12345678901234567890, "precise": 1.10, "list": [1, {"a": null}],
      "auths": {"b": {"auth": "eDp5", "email": "e@x"}, "a": {}}, "credHelpers": {"c": "d"}, "__proto__": {"z": 1}
    }`;
    const written = putEntry(parse(text), {key: 'new', entry: auth('u:p')});
    const expected = text.replace('"a": {}', `"a": {}, "new": ${JSON.stringify(auth('u:p'))}`);
    assert.equal(written.toString().replaceAll(/\s/g, ''), expected.replaceAll(/\s/g, ''));
    assert.match(written.toString(), /^\{\n\t"HttpHeaders"/);
  });

  test('makes a document of nothing', () => {
    for (const text of ['', '{}', '{"auths":null}']) {
      const written = putEntry(parse(text), {key: 'h', entry: auth('u:p')}).toString();
      assert.deepEqual(JSON.parse(written), {auths: {h: auth('u:p')}});
    }
  });

  test('replaces what stands for the same target under other keys', () => {
    const auths = {'https://ghcr.io': {}, 'ghcr.io/v2/': {}, 'ghcr.io/team': {}, 'ghcr.io.evil': {}};
    const written = putEntry(parse(JSON.stringify({auths})), {key: 'ghcr.io', entry: auth('u:p')});
    assert.deepEqual(Object.keys(JSON.parse(written.toString()).auths), ['ghcr.io/team', 'ghcr.io.evil', 'ghcr.io']);
    const hub = putEntry(parse('{"auths":{"docker.io":{}}}'), {key: 'https://index.docker.io/v1/', entry: {}});
    assert.deepEqual(Object.keys(JSON.parse(hub.toString()).auths), ['https://index.docker.io/v1/']);
  });

  test('removes a target under all its keys, and says when there is none', () => {
    const text = '{"auths":{"https://index.docker.io/v1/":{},"docker.io":{},"docker.io/team":{},"h":{}},"x":1}';
    const left = removeEntries(parse(text), ['docker.io']);
    assert.deepEqual(JSON.parse(String(left)), {auths: {'docker.io/team': {}, h: {}}, x: 1});
    assert.equal(removeEntries(parse(text), ['other', 'docker.io/other']), null);
  });

  test('knows what a key is about', () => {
    assert.deepEqual(
      ['https://index.docker.io/v1/', 'registry-1.docker.io', 'http://h:5000/v2/', 'quay.io/a/b'].map(targetOfKey),
      ['docker.io', 'docker.io', 'h:5000', 'quay.io/a/b'],
    );
  });

  test('reads back what it writes', () => {
    const credentials = [
      {username: 'ü', password: 'p:ass wörd\u0001'},
      {username: 'u', identityToken: 'i'},
      {registryToken: 'r'},
    ];
    for (const credential of credentials) {
      const written = parse(putEntry(parse('{}'), {key: 'h', entry: formatEntry(credential)}).toString());
      const found = findLogin(written, {registry: 'h', repository: undefined, name: 'file'});
      assert.deepEqual(found, credential);
    }
    const marker = parse(putEntry(parse('{}'), {key: 'h', entry: formatEntry(null)}).toString());
    assert.equal(findLogin(marker, {registry: 'h', repository: undefined, name: 'file'}), null);
  });
});
