import {spawnSync} from 'node:child_process';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {buildTar} from '../../fixtures/build-tar.ts';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {requireRefusal, requireSuccess} from '../helpers/require-exit.ts';
import {describe} from '../helpers/suite.ts';
import {makeUnprivilegedWinch, missingForUser, type UnprivilegedWinch} from '../helpers/unprivileged-user.ts';

const TIMEOUT_MS = 60_000;
const OWNED = buildTar([
  {path: 'srv/own', content: 'x', uid: 1000, gid: 1000},
  {path: 'srv/null', type: 'character', devMajor: 1, devMinor: 3},
  {path: 'srv/capable', content: 'x', xattrs: {'security.capability': '\x01\0\0\x02'.padEnd(20, '\0')}},
]);

describe('e2e/bundle-users', ({test: declare}) => {
  const test = (title: string, body: (user: UnprivilegedWinch, image: string) => Promise<void>) =>
    declare(
      title,
      async () => {
        await using registry = await startRegistry();
        registry.put('box', '1', busyboxImage({layers: [OWNED]}));
        await using user = await makeUnprivilegedWinch();
        const image = `${registry.host}/box:1`;
        requireSuccess(await user.run(['pull', '-q', image]));
        await body(user, image);
      },
      {skip: missingForUser('runc', 'busybox'), timeoutMs: TIMEOUT_MS},
    );
  const OWN_IDS = ['--uidmap', '0:65533', '--gidmap', '0:65533'];

  test('tells how many files are not as in the image, as text and as JSON', async (user, image) => {
    const directory = join(user.winch.directory, 'bundle');
    const {stderr} = requireSuccess(await user.run(['bundle', image, directory]));
    assert.match(
      stderr,
      /: 2 belong to you instead of the owner, 1 device is missing, 1 lacks extended attributes/,
      stderr,
    );
    const words = ['bundle', '--format', 'json', image, `${directory}-2`];
    const {stdout} = requireSuccess(await user.run(words));
    assert.equal(JSON.parse(stdout).skipped, {owners: 2, devices: 1, xattrs: 1});
  });

  test('a bundle in which root stands for the user runs without rights', async (user, image) => {
    const {directory} = user.winch;
    const bundle = join(directory, 'bundle');
    const script = 'id -u; stat -c %u /bin/busybox; cat /proc/self/uid_map';
    requireSuccess(await user.run(['bundle', ...OWN_IDS, image, bundle, '/bin/sh', '-c', script]));
    const runc = ['runc', '--root', join(directory, 'runc'), 'run', '--bundle', bundle, `winch-test-${process.pid}`];
    const [program = '', ...words] = [...user.within, ...runc];
    const {stdout, stderr} = spawnSync(program, words, {encoding: 'utf8'});
    assert.is(stdout.trim().replaceAll(/\s+/g, ' '), '0 0 0 65533 1', stderr);
  });

  test('a user maps no ids of others', async (user, image) => {
    const words = ['bundle', '--uidmap', '0:100000:65536', image, join(user.winch.directory, 'bundle')];
    requireRefusal(await user.run(words), {code: 'ID_MAPPING_DENIED'});
  });
});
