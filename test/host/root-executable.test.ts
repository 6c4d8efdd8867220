import {chownSync, mkdirSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {type ExecutableSearch, findExecutableInRoot} from '../../src/host/root-executable.ts';
import {loadSyscalls} from '../../src/host/syscalls.ts';
import {describe} from '../helpers/suite.ts';
import {makeElf} from './elf-fixture.ts';
import {makeRootfs} from './rootfs-fixture.ts';

const AMD64 = 62;
const ARM64 = 183;

describe('host/root-executable', ({test, before, after}) => {
  const syscalls = loadSyscalls();
  const image = makeRootfs();
  const find = (command: string, changes: Partial<ExecutableSearch> = {}) =>
    findExecutableInRoot(syscalls, image.rootFd, {
      command,
      path: '/usr/local/bin:/bin',
      workingDirectory: '/work',
      user: {uid: 0, additionalGids: [0]},
      mountTargets: ['/proc', '/dev', '/sys'],
      architectures: ['amd64', '386'],
      ...changes,
    });
  const asUser = {user: {uid: 1000, additionalGids: [1000]}};

  before(() => {
    const program = makeElf({machine: AMD64});
    image.write('usr/bin/tool', program, 0o755);
    image.link('bin', 'usr/bin');
    image.write('work/local', program, 0o755);
    image.write('usr/bin/plain', program, 0o644);
    image.write('usr/bin/private', program, 0o700);
    image.write('usr/bin/foreign', makeElf({machine: ARM64}), 0o755);
    image.write('usr/bin/no-loader', makeElf({machine: AMD64, interpreter: '/lib/ld-musl.so'}), 0o755);
    image.write('usr/bin/script', '#!/usr/bin/tool -x\nrest', 0o755);
    image.write('usr/bin/env-script', '#! /bin/tool', 0o755);
    image.write('usr/bin/broken-script', '#!/bin/bash\n', 0o755);
    image.write('usr/bin/dos-script', '#!/bin/tool\r\n', 0o755);
    image.write('usr/bin/self', '#!/bin/self\n', 0o755);
    image.write('usr/bin/text', 'echo hi\n', 0o755);
    image.write('usr/bin/empty', '', 0o755);
    mkdirSync(join(image.rootfs, 'usr/local/bin/tool'), {recursive: true});
    image.link('usr/bin/escaped', '/proc/self/exe');
    image.link('usr/bin/mounted', '/opt/tools/x');
  });
  after(() => image.remove());

  test('finds a command as execvp would: PATH for a bare name, else the working directory', () => {
    assert.equal(find('tool'), {outcome: 'found', path: '/bin/tool'});
    assert.equal(find('/usr/bin/tool'), {outcome: 'found', path: '/usr/bin/tool'});
    assert.equal(find('./local'), {outcome: 'found', path: '/work/local'});
    assert.equal(find('local'), {outcome: 'missing', path: 'local'});
    assert.equal(find('local', {path: '/bin:'}), {outcome: 'found', path: '/work/local'});
    assert.equal(find('tool', {path: ''}), {outcome: 'missing', path: 'tool'});
  });

  test('says what is missing: the command, the interpreter of a script, the loader of a program', () => {
    assert.equal(find('nothing'), {outcome: 'missing', path: 'nothing'});
    assert.equal(find('/bin/nothing'), {outcome: 'missing', path: '/bin/nothing'});
    assert.equal(find('broken-script'), {outcome: 'missing', path: '/bin/bash'});
    assert.equal(find('dos-script'), {outcome: 'missing', path: '/bin/tool\r'});
    assert.equal(find('no-loader'), {outcome: 'missing', path: '/lib/ld-musl.so'});
  });

  test('follows the interpreters of scripts, a few of them', () => {
    assert.equal(find('script'), {outcome: 'found', path: '/bin/script'});
    assert.equal(find('env-script'), {outcome: 'found', path: '/bin/env-script'});
    assert.is(find('self').outcome, 'not-executable');
  });

  test('tells why something cannot be executed', () => {
    assert.equal(find('/usr/bin'), {outcome: 'not-executable', path: '/usr/bin', reason: 'directory'});
    assert.equal(find('plain'), {outcome: 'not-executable', path: '/bin/plain', reason: 'permission'});
    assert.equal(find('text'), {outcome: 'not-executable', path: '/bin/text', reason: 'format'});
    assert.equal(find('empty'), {outcome: 'not-executable', path: '/bin/empty', reason: 'format'});
    assert.equal(find('foreign'), {outcome: 'wrong-architecture', path: '/bin/foreign', architecture: 'arm64'});
  });

  test('checks the execute bit of the user’s own class', () => {
    assert.is(find('private').outcome, 'found');
    assert.is(find('private', asUser).outcome, 'not-executable');
    assert.is(find('tool', asUser).outcome, 'found');
    if (process.getuid?.() === 0) {
      chownSync(join(image.rootfs, 'usr/bin/private'), 1000, 0);
      assert.is(find('private', asUser).outcome, 'found');
    }
  });

  test('does not guess about what a mount will cover, reached by symlinks or not', () => {
    const mountTargets = ['/opt/tools'];
    assert.is(find('mounted').outcome, 'missing');
    assert.is(find('mounted', {mountTargets}).outcome, 'unknown');
    assert.is(find('/opt/tools/run', {mountTargets}).outcome, 'unknown');
    assert.is(find('/opt/toolshed', {mountTargets}).outcome, 'missing');
    assert.is(find('escaped').outcome, 'unknown');
  });
});
