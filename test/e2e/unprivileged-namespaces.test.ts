import * as assert from 'node:assert/strict';
import {readlinkSync} from 'node:fs';
import {pullBox} from '../helpers/pull-box.ts';
import {requireRefusal, requireSuccess} from '../helpers/require-exit.ts';
import {describe} from '../helpers/suite.ts';
import {makeUnprivilegedWinch, missingForUser, type UnprivilegedWinch} from '../helpers/unprivileged-user.ts';

const skip = missingForUser('runc', 'busybox', 'conmon');

describe('e2e/unprivileged-namespaces', ({test: declare}) => {
  const test = (title: string, body: (user: UnprivilegedWinch, image: string) => Promise<void>) =>
    declare(
      title,
      async () => {
        await using user = await makeUnprivilegedWinch();
        await body(user, await pullBox(user.run));
      },
      {skip, timeoutMs: 240_000},
    );

  test("a user's containers have the machine's IPC, host name and view of cgroups", async (user, image) => {
    const kinds = ['ipc', 'uts', 'cgroup'];
    const flags = ['--ipc', 'host', '--uts', 'host', '--cgroupns', 'host'];
    const script = `for kind in ${kinds.join(' ')}; do readlink /proc/self/ns/$kind; done; [ -d /dev/shm ]`;
    const {stdout} = requireSuccess(await user.run(['run', ...flags, image, 'sh', '-c', script]));
    assert.deepEqual(
      stdout.trim().split('\n'),
      kinds.map((kind) => readlinkSync(`/proc/self/ns/${kind}`)),
    );
  });

  test("a user's containers see no processes and no memory of others", async (user, image) => {
    const started = await user.run(['run', '-d', '--ipc', 'shareable', image, 'sleep', '600']);
    const other = requireSuccess(started).stdout.trim();
    try {
      for (const sharing of ['--pid=host', `--pid=container:${other}`, `--ipc=container:${other}`]) {
        for (const how of [[], ['-d', '--rm']]) {
          const words = ['run', ...how, sharing, image, 'true'];
          requireRefusal(await user.run(words), {code: 'NAMESPACE_UNSUPPORTED', exit: 125});
        }
      }
    } finally {
      requireSuccess(await user.run(['rm', '-f', other]));
    }
  });
});
