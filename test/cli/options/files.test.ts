import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {findInit} from '../../../src/bundle/find-init.ts';
import {readEnvironmentVariables} from '../../../src/cli/options/environment-variables.ts';
import {parseProcess} from '../../../src/cli/options/process.ts';
import {parseSecurityOption} from '../../../src/cli/options/security-option.ts';
import {describe} from '../../helpers/suite.ts';
import {environmentOf} from '../environment-of.ts';
import {messageOf} from '../message-of.ts';

describe('cli/options that read files', ({test, after}) => {
  const directory = mkdtempSync(join(tmpdir(), 'winch-cli-'));
  after(() => rmSync(directory, {recursive: true}));
  const environment = environmentOf({variables: {FROM: 'outside'}, workingDirectory: () => directory});
  const write = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(directory, name), content);
    return name;
  };
  const read = (env: readonly string[], envFiles: readonly string[] = []) =>
    readEnvironmentVariables({env, envFiles}, environment);

  test('variables: takes values as they are and passes on names', () => {
    assert.equal(read(['A=b', 'B=', 'C=x=y "z"', 'FROM', 'ABSENT']), ['A=b', 'B=', 'C=x=y "z"', 'FROM=outside']);
  });

  test('variables: puts files first, so that -e wins', () => {
    const file = write('env', 'A=file\n');
    assert.equal(read(['A=flag'], [file]), ['A=file', 'A=flag']);
  });

  test('variables: reads lines as docker does', () => {
    const file = write('lines', '# comment\n\n  A=1\r\nB="quoted" # part\nFROM\nABSENT\nC=a=b \n');
    assert.equal(read([], [file]), ['A=1', 'B="quoted" # part', 'FROM=outside', 'C=a=b ']);
  });

  test('variables: refuses what names none', () => {
    assert.match(
      messageOf(() => read(['=x'])),
      'FLAG_INVALID: --env: "=x" names no variable',
    );
    assert.match(
      messageOf(() => read([''])),
      'names no variable',
    );
    assert.match(
      messageOf(() => read(['A=\0'])),
      'zero byte',
    );
    assert.match(
      messageOf(() => read([], [write('spaces', 'A B=c\n')])),
      'FLAG_INVALID: --env-file: "A B=c" in "spaces"',
    );
    assert.match(
      messageOf(() => read([], [write('export', 'export A=c\n')])),
      'names no variable',
    );
  });

  test('labels: takes those of files, and those of the command line over them', () => {
    const file = write('labels', '# comment\n\n  a=1\r\nb="two" # part\nbare\n');
    const {labels} = parseProcess({'label-file': [file], label: ['a=mine']}, [], environment);
    assert.equal({...labels}, {a: 'mine', b: '"two" # part', bare: ''});
    assert.match(
      messageOf(() => parseProcess({'label-file': [write('wrong', 'a b=c\n')]}, [], environment)),
      'FLAG_INVALID: --label-file: "a b=c" in "wrong" names no label',
    );
  });

  test('variables: says what is wrong with a file', () => {
    assert.match(
      messageOf(() => read([], ['missing'])),
      '"missing" does not exist',
    );
    assert.match(
      messageOf(() => read([], ['.'])),
      '"." is a directory',
    );
    assert.match(
      messageOf(() => read([], [write('binary', Uint8Array.of(0x41, 0x3d, 0xff))])),
      'is not UTF-8 text',
    );
    assert.match(
      messageOf(() => read([], [write('large', `A=${'x'.repeat(5_000_000)}`)])),
      'is larger than 4 MiB',
    );
  });

  test('security options: reads every form', () => {
    const parse = (text: string) => parseSecurityOption(text, environment);
    assert.equal(parse('no-new-privileges'), [{name: 'no-new-privileges', enabled: true}]);
    assert.equal(parse('no-new-privileges=false'), [{name: 'no-new-privileges', enabled: false}]);
    assert.equal(parse('no-new-privileges:true'), [{name: 'no-new-privileges', enabled: true}]);
    assert.equal(parse('seccomp=unconfined'), [{name: 'seccomp', profile: 'unconfined'}]);
    assert.equal(parse('seccomp=builtin'), [{name: 'seccomp', profile: 'default'}]);
    assert.equal(parse('apparmor=docker-default'), [{name: 'apparmor', profile: 'docker-default'}]);
    assert.equal(parse('mask=/a:/b'), [{name: 'mask', paths: ['/a', '/b']}]);
    assert.equal(parse('unmask=ALL'), [{name: 'unmask', paths: 'ALL'}]);
    assert.equal(parse('unmask=/proc/kcore'), [{name: 'unmask', paths: ['/proc/kcore']}]);
    assert.equal(parse('systempaths=unconfined'), [{name: 'unmask', paths: 'ALL'}]);
    assert.equal(parse('label=disable'), []);
    const file = write('profile.json', '{"defaultAction": "SCMP_ACT_ALLOW"}');
    assert.equal(parse(`seccomp=${file}`), [{name: 'seccomp', profile: {defaultAction: 'SCMP_ACT_ALLOW'}}]);
  });

  test('security options: refuses others', () => {
    const problem = (text: string) => messageOf(() => parseSecurityOption(text, environment));
    for (const text of ['', 'x', 'seccomp', 'seccomp=', 'label=user:x', 'no-new-privileges=1']) {
      assert.match(problem(text), `FLAG_INVALID: --security-opt: "${text}" is not understood`);
    }
    assert.match(problem('mask=a'), 'has a path that is not absolute');
    assert.match(problem('seccomp=missing.json'), '"missing.json" does not exist');
    assert.match(problem(`seccomp=${write('bad.json', '{')}`), 'is not JSON');
    assert.match(problem(`seccomp=${write('list.json', '[]')}`), 'is no JSON object');
  });

  test('init: finds the first that is executable', () => {
    assert.is(findInit(undefined, ['/nowhere/init', process.execPath]), process.execPath);
    assert.is(findInit(process.execPath), process.execPath);
  });

  test('init: says what to install when there is none', () => {
    assert.match(
      messageOf(() => findInit(undefined, ['/nowhere/init'])),
      'INIT_NOT_FOUND: no init is installed',
    );
    assert.match(
      messageOf(() => findInit('/nowhere/init')),
      '/nowhere/init is no executable',
    );
  });
});
