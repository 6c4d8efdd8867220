import * as assert from 'node:assert/strict';
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {identifyProcess} from '../../src/host/process-identity.ts';
import {eventually} from '../containers/kept/kept-store.ts';
import {tracesOf} from '../helpers/container-traces.ts';
import {pullBox} from '../helpers/pull-box.ts';
import {requireRefusal, requireSuccess} from '../helpers/require-exit.ts';
import {describe} from '../helpers/suite.ts';
import {makeUnprivilegedWinch, missingForUser, type UserOptions} from '../helpers/unprivileged-user.ts';
import {driverSkip} from '../snapshots/driver-rig.ts';

const TIMEOUT_MS = 240_000;
const skip = missingForUser('runc', 'busybox', 'conmon', 'nsenter');
const CASES = [
  {driver: 'copy', ranges: 'many'},
  {driver: 'copy', ranges: 'none'},
  {driver: 'fuse-overlayfs', ranges: 'many'},
  {driver: 'fuse-overlayfs', ranges: 'none'},
] as const satisfies readonly (UserOptions & {readonly driver: string})[];
const SCRIPT = 'echo once >> /home/alice/log; chmod 700 /home/alice; cat /home/alice/log; exec sleep 600';

describe('e2e/unprivileged-drivers', ({test}) => {
  for (const {driver, ranges} of CASES) {
    test(
      `a user with ${ranges} subordinate ids keeps containers with ${driver}, and removes all of them`,
      async () => {
        await using user = await makeUnprivilegedWinch({ranges});
        const runtimeDirectory = join(user.winch.directory, 'runtime', 'winch');
        const run = (...words: readonly string[]) => user.run(words, {env: {WINCH_SNAPSHOTTER: driver}});
        const act = async (...words: readonly string[]) => requireSuccess(await run(...words)).stdout.trimEnd();
        const image = await pullBox((words) => run(...words));
        const account = ranges === 'many' ? ['--user', 'alice'] : [];
        const id = await act('run', '-d', '--network=none', '--name', 'box', ...account, image, 'sh', '-c', SCRIPT);
        await eventually(async () => (await act('logs', 'box')) === 'once');
        assert.equal(await act('exec', 'box', 'cat', '/home/alice/log'), 'once');
        await act('restart', '-t', '0', 'box');
        await eventually(async () => (await act('logs', 'box')) === 'once\nonce\nonce');
        for (const state of ['running', 'exited']) {
          if (state === 'exited') await act('stop', '-t', '0', 'box');
          assert.equal(await act('diff', 'box'), 'C /home\nC /home/alice\nA /home/alice/log');
          await act('cp', '/etc/hostname', 'box:/home/alice/log');
          const copied = join(user.winch.directory, state);
          await act('cp', 'box:/home/alice/log', copied);
          assert.equal(readFileSync(copied, 'utf8'), readFileSync('/etc/hostname', 'utf8'));
          await act('commit', 'box', `box:${state}`);
          const seen = await act('run', '--rm', '--network=none', ...account, `box:${state}`, 'cat', '/home/alice/log');
          assert.equal(`${seen}\n`, readFileSync('/etc/hostname', 'utf8'));
        }
        await act('start', 'box');
        if (driver === 'fuse-overlayfs') await endServers(join(runtimeDirectory, 'kept', id, 'servers'));
        const entered = await run('exec', 'box', 'true');
        if (driver === 'fuse-overlayfs') requireRefusal(entered, {code: 'CONTAINER_STOPPED', exit: 125});
        assert.equal(/fuse-overlayfs, which served its files, was ended/.test(entered.stderr), driver !== 'copy');
        await act('rm', '-f', 'box');
        const places = {root: user.winch.root, runtimeDirectory};
        await eventually(() => tracesOf([id, user.winch.root], places).length === 0);
        assert.deepEqual(
          readdirSync(join(user.winch.root, 'kept')).filter((name) => name !== '.locks'),
          [],
        );
      },
      {skip: skip ?? driverSkip(driver), timeoutMs: TIMEOUT_MS},
    );
  }
});

async function endServers(directory: string): Promise<void> {
  const pids = existsSync(directory) ? readdirSync(directory).map(Number) : [];
  assert.equal(pids.length, 1);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await eventually(() => pids.every((pid) => identifyProcess(pid) === null));
}
