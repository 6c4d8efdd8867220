import * as assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {buildImage} from '../../fixtures/build-image.ts';
import {buildTar, type TarEntry} from '../../fixtures/build-tar.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {requireRefusal, requireSuccess} from '../helpers/require-exit.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch} from '../helpers/winch.ts';

const USER = 12345;
const AS_USER = ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', '--'];
const TIMEOUT_MS = 120_000;
const LOWER: readonly TarEntry[] = [
  {path: 'etc/name', content: 'lower\n'},
  {path: 'srv/bin/tool', content: '#!', mode: 0o4755, uid: 7, gid: 8},
  {path: 'srv/closed', type: 'directory', mode: 0o500},
  {path: 'srv/closed/file', content: 'closed', mode: 0o400},
  {path: 'large', content: 'many bytes '.repeat(300_000)},
  {path: 'passwd', type: 'symlink', linkPath: '../../../../../../../../etc/passwd'},
];

/** What would leave the destination if links of an image or of an earlier copy were followed. */
const hostile = (outside: string): readonly TarEntry[] => [
  {path: 'etc/name', content: 'upper\n'},
  {path: 'srv/out', type: 'symlink', linkPath: outside},
  {path: 'srv/up', type: 'symlink', linkPath: '../../../../../../../..'},
];

async function openLab() {
  const registry = await startRegistry();
  const winch = makeWinch();
  const canary = join(winch.directory, 'canary');
  mkdirSync(canary);
  writeFileSync(join(canary, 'file'), 'untouched');
  const image = `${registry.host}/app:1`;
  registry.put('app', '1', buildImage({layers: [buildTar(LOWER), buildTar(hostile(canary))]}));
  registry.put('app', '2', buildImage({layers: [buildTar([{path: 'srv/out/file', content: 'escaped'}])]}));
  return {
    image,
    next: `${registry.host}/app:2`,
    winch,
    canary,
    [Symbol.asyncDispose]: async () => {
      await registry.close();
      winch[Symbol.dispose]();
    },
  };
}

describe('e2e/image-files', ({test}) => {
  test(
    'reads files, also where nobody reads on, and says what is none',
    async () => {
      await using lab = await openLab();
      const {image, winch} = lab;
      requireSuccess(await winch.run(['pull', '-q', image]));
      assert.equal(requireSuccess(await winch.run(['cat', `${image}:/etc/name`])).stdout, 'upper\n');
      const line = `winch cat ${image}:/large ${image}:/large | head -c 10`;
      assert.deepEqual(requireSuccess(await winch.startShell(line).exited), {
        ...{exitCode: 0, signal: null, stdout: 'many bytes', stderr: '', output: Buffer.from('many bytes')},
      });
      const refusals = {'/absent': 4, '/passwd': 4, '/srv': 2, '/etc/name/': 2};
      for (const [path, exit] of Object.entries(refusals)) {
        const {stdout, stderr, exitCode} = await winch.run(['cat', `${image}:/etc/name`, `${image}:${path}`]);
        assert.deepEqual([exitCode, stdout], [exit, ''], stderr);
      }
    },
    {timeoutMs: TIMEOUT_MS},
  );

  test(
    'copies hostile images into their destination and nowhere else',
    async () => {
      await using lab = await openLab();
      const {image, next, winch, canary} = lab;
      requireSuccess(await winch.run(['pull', '-q', image, next]));
      const destination = join(winch.directory, 'out');
      requireSuccess(await winch.run(['cp', `${image}:/srv/.`, destination]));
      assert.equal(readlinkSync(join(destination, 'out')), canary);
      requireRefusal(await winch.run(['cp', `${next}:/srv/.`, destination]), {code: 'DESTINATION_INVALID', exit: 2});
      assert.deepEqual(readdirSync(destination).toSorted(), ['bin', 'closed', 'out', 'up']);
      symlinkSync(join(canary, 'file'), join(destination, 'name'));
      requireSuccess(await winch.run(['cp', `${image}:/etc/name`, `${destination}/.`]));
      assert.equal(readFileSync(join(destination, 'name'), 'utf8'), 'upper\n');
      assert.deepEqual(readdirSync(canary), ['file']);
      assert.equal(readFileSync(join(canary, 'file'), 'utf8'), 'untouched');
      const {output} = requireSuccess(await winch.run(['cp', `${image}:/srv/closed`, '-']));
      const {stdout} = spawnSync('tar', ['t'], {input: output, encoding: 'utf8'});
      assert.equal(stdout, 'closed/\nclosed/file\n');
    },
    {timeoutMs: TIMEOUT_MS},
  );

  test(
    'another user than root gets files of his own',
    async () => {
      await using lab = await openLab();
      const {image, winch} = lab;
      chmodSync(winch.directory, 0o777);
      chownSync(winch.dockerDirectory, USER, USER);
      chownSync(join(winch.directory, 'runtime'), USER, USER);
      requireSuccess(await winch.run(['pull', '-q', image], {within: AS_USER}));
      const destination = join(winch.directory, 'out');
      for (const flags of [[], ['-a']]) {
        const {stderr} = requireSuccess(
          await winch.run(['cp', ...flags, `${image}:/srv/.`, destination], {within: AS_USER}),
        );
        assert.equal(stderr.includes('OWNERS_NOT_KEPT'), flags.length > 0, stderr);
        const {uid, gid, mode} = lstatSync(join(destination, 'bin/tool'));
        assert.deepEqual([uid, gid, mode & 0o7777], [USER, USER, 0o755]);
        assert.equal(lstatSync(join(destination, 'closed')).mode & 0o777, 0o700);
        assert.equal(lstatSync(join(destination, 'closed/file')).mode & 0o777, 0o400);
      }
      chmodSync(destination, 0o500);
      requireRefusal(await winch.run(['cp', `${image}:/large`, destination], {within: AS_USER}), {
        code: 'STORE_DENIED',
      });
    },
    {skip: missingFor('setpriv'), timeoutMs: TIMEOUT_MS},
  );
});
