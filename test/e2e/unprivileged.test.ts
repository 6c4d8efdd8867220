import * as assert from 'node:assert/strict';
import {existsSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {buildTar} from '../../fixtures/build-tar.ts';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {requireSuccess} from '../helpers/require-exit.ts';
import {describe} from '../helpers/suite.ts';
import {
  makeUnprivilegedWinch,
  missingForUser,
  type UnprivilegedWinch,
  type UserOptions,
} from '../helpers/unprivileged-user.ts';

const TIMEOUT_MS = 180_000;
const skip = missingForUser('runc', 'busybox');

/** Whiteouts, an opaque directory, files of other owners and directories that only those may enter. */
const UPPER = buildTar([
  {path: 'etc/.wh.group'},
  {path: 'home/alice/', type: 'directory', mode: 0o755, uid: 1000, gid: 1000},
  {path: 'home/alice/.wh..wh..opq'},
  {path: 'home/alice/own', content: 'own', uid: 1000, gid: 1000},
  {path: 'srv/', type: 'directory', mode: 0o700, uid: 1000, gid: 1000},
  {path: 'srv/secret', content: 'secret', mode: 0o600, uid: 1000, gid: 1000},
]);
const HIDDEN = buildTar([{path: 'home/alice/below', content: 'below'}]);

describe('e2e/unprivileged', ({test: declare}) => {
  const test = (
    title: string,
    body: (user: UnprivilegedWinch, image: string) => Promise<void>,
    options?: UserOptions,
  ) =>
    declare(
      title,
      async () => {
        await using registry = await startRegistry();
        registry.put('box', '1', busyboxImage({layers: [HIDDEN, UPPER]}));
        await using user = await makeUnprivilegedWinch(options);
        const image = `${registry.host}/box:1`;
        requireSuccess(await user.run(['pull', '-q', image]));
        await body(user, image);
      },
      {skip, timeoutMs: TIMEOUT_MS},
    );
  const run = (user: UnprivilegedWinch, image: string, script: string, flags: readonly string[] = []) =>
    user.run(['run', '--network', 'none', ...flags, image, 'sh', '-c', script]);

  test('runs an image with all of its owners, and takes away what it left', async (user, image) => {
    const script = 'stat -c %u:%g:%a / /home/alice /home/alice/own /srv; ls /home/alice /etc; id -u; exit 7';
    const {exitCode, stdout, stderr} = await run(user, image, script);
    assert.equal(
      stdout,
      '0:0:755\n1000:1000:755\n1000:1000:644\n1000:1000:700\n/etc:\nhostname\nhosts\npasswd\nresolv.conf\n\n/home/alice:\nown\n0\n',
    );
    assert.equal(exitCode, 7, stderr);
    assert.match(stderr, /extracting/);
    assert.doesNotMatch(stderr, /INCOMPLETE/);
    requireSuccess(await user.run(['rmi', image]));
    assert.deepEqual(readdirSync(join(user.winch.root, 'layers', 'sha256')), []);
    assert.equal(existsSync(join(user.winch.root, 'trash')), false);
  });
});
