import * as assert from 'node:assert/strict';
import {pullBox} from '../helpers/pull-box.ts';
import {describe} from '../helpers/suite.ts';
import {makeUnprivilegedWinch, missingForUser, type UserOptions} from '../helpers/unprivileged-user.ts';
import {waitFor} from '../helpers/wait-for.ts';

const DRIVER = process.env.WINCH_SNAPSHOTTER;
const skip =
  missingForUser('runc', 'busybox', 'nsenter') ?? (DRIVER === 'erofs' ? 'a user namespace mounts no EROFS' : undefined);

describe('e2e/unprivileged-exec', ({test}) => {
  for (const ranges of ['many', 'none'] as const satisfies readonly UserOptions['ranges'][]) {
    test(
      `a user without privileges runs further commands in a run of its own, with ${ranges} subordinate ids`,
      async () => {
        await using user = await makeUnprivilegedWinch({ranges});
        const {winch, within, env, run} = user;
        const image = await pullBox(run);
        const script = 'echo up; while :; do sleep 0.1; done';
        const words = ['run', '--name', 'front', '--network', 'none', image, 'sh', '-c', script];
        const front = winch.start(words, {within, env});
        await waitFor(() => front.readStdout() === 'up\n');
        const {exitCode, stdout, stderr} = await run(['exec', '-i', 'front', 'sh', '-c', 'id -u; cat; exit 4'], {
          input: 'in\n',
        });
        assert.deepEqual([exitCode, stdout, stderr], [4, '0\nin\n', '']);
        assert.equal((await run(['exec', 'front', 'nothing'])).exitCode, 127);
        assert.equal((await run(['stop', '-t', '0', 'front'])).exitCode, 0);
        assert.equal((await front.exited).exitCode, 137);
        const ended = await run(['exec', 'front', 'true']);
        assert.deepEqual([ended.exitCode, /CONTAINER_UNKNOWN/.test(ended.stderr)], [125, true]);
      },
      {skip, timeoutMs: 180_000},
    );
  }
});
