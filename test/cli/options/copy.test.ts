import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {openOptions, parseContentFlags, parseSideFlags} from '../../../src/cli/options/copy.ts';
import {writeFlagFile} from '../../../src/cli/options/write-file.ts';
import {codeOf} from '../../helpers/code-of.ts';
import {describe} from '../../helpers/suite.ts';
import {makeTemporaryDirectory} from '../../helpers/temporary-directory.ts';
import {environmentOf} from '../environment-of.ts';

describe('cli/options/copy', ({test}) => {
  test('gives each side its own login, and neither the token of the environment', () => {
    const environment = environmentOf({
      variables: {WINCH_REGISTRY_TOKEN: 'secret', WINCH_PASSWORD: 'from-environment'},
    });
    assert.equal(parseSideFlags({'src-creds': 'a:b', 'dest-creds': 'c'}, environment), {
      source: {credential: {username: 'a', password: 'b'}},
      target: {credential: {username: 'c', password: 'from-environment'}},
    });
    assert.equal(parseSideFlags({}, environment), {source: {}, target: {}});
    assert.equal(openOptions({}, ['a.example', 'b.example']).references, []);
    assert.equal(openOptions({}, ['a.example', null]).references, ['a.example/image']);
    assert.equal(openOptions({}, ['a.example', 'a.example']).references, ['a.example/image']);
  });

  test('says for each side whether certificates have to verify', () => {
    const environment = environmentOf();
    assert.equal(parseSideFlags({'dest-tls-verify': false}, environment), {source: {}, target: {verifiesTls: false}});
    const both = {source: {verifiesTls: false}, target: {verifiesTls: false}};
    assert.equal(parseSideFlags({insecure: true}, environment), both);
  });

  test('writes the file that a flag names, or says why not', () => {
    using directory = makeTemporaryDirectory();
    const environment = environmentOf({workingDirectory: () => directory.path});
    writeFlagFile({flag: '--digestfile', path: 'digest'}, 'sha256:0', environment);
    assert.is(readFileSync(join(directory.path, 'digest'), 'utf8'), 'sha256:0');
    const write = () => writeFlagFile({flag: '--digestfile', path: 'none/digest'}, 'sha256:0', environment);
    assert.is(codeOf(write), 'FLAG_INVALID');
  });

  test('refuses one platform and all of them', () => {
    assert.is(
      codeOf(() => parseContentFlags({platform: 'linux/arm64', 'all-platforms': true})),
      'FLAGS_CONFLICT',
    );
  });
});
