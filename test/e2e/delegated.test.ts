import * as assert from 'node:assert/strict';
import {chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {readCgroups} from '../../src/host/cgroups.ts';
import {pullBox} from '../helpers/pull-box.ts';
import {requireSuccess} from '../helpers/require-exit.ts';
import {missingRoot} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {makeUnprivilegedWinch, missingForUser, USER} from '../helpers/unprivileged-user.ts';
import {waitFor} from '../helpers/wait-for.ts';
import type {WinchCall, WinchExit} from '../helpers/winch.ts';

const MIB = 1024 * 1024;
const EAT = 'x=x; while :; do x=$x$x; done';
const {version, unified} = readCgroups();
const skip =
  missingForUser('runc', 'busybox', 'conmon') ??
  missingRoot() ??
  (version === 'v2' ? undefined : `controllers are not on v2 here (${version})`);

interface Delegated {
  readonly image: string;
  /** Runs winch as a user in a cgroup beside which it may make others. */
  run(words: readonly string[], call?: WinchCall): Promise<WinchExit>;
  /** The cgroups beside it. */
  cgroups(): readonly string[];
  read(cgroup: string, file: string): string;
}

/** Where cgroups are all v2 (`bench/user-mode-linux.sh` has that on any machine). */
describe('e2e/delegated', ({test: declare}) => {
  const test = (title: string, body: (delegated: Delegated) => Promise<void>) =>
    declare(
      title,
      async () => {
        await using user = await makeUnprivilegedWinch();
        const top = join(unified ?? '', `winch-delegated-${process.pid}`);
        const leaf = delegate(top);
        const within = ['sh', '-c', `echo $$ >${leaf}/cgroup.procs && exec "$@"`, 'sh', ...user.within];
        const run = (words: readonly string[]) => user.winch.run(words, {within, env: user.env});
        try {
          const cgroups = () => readdirSync(top).filter((name) => name.startsWith('winch-'));
          const read = (cgroup: string, file: string) => readFileSync(join(top, cgroup, file), 'utf8').trim();
          await body({run, image: await pullBox(run), cgroups, read});
          assert.deepEqual(cgroups(), []);
        } finally {
          const ids = (await run(['ps', '-aq'])).stdout.split('\n').filter(Boolean);
          if (ids.length > 0) await run(['rm', '-f', ...ids]);
          await waitFor(() => readFileSync(join(leaf, 'cgroup.procs'), 'utf8') === '');
          for (const path of [leaf, top]) if (existsSync(path)) rmdirSync(path);
        }
      },
      {skip, timeoutMs: 240_000},
    );

  test('limits hold for a run of a user, and nothing of it stays', async ({run, image}) => {
    const words = ['run', '--network', 'none', '-m', '64m', '--memory-swap', '64m', '--pids-limit', '20', image];
    const {stdout} = requireSuccess(await run([...words, 'sh', '-c', 'cd /sys/fs/cgroup; cat memory.max pids.max']));
    assert.equal(stdout, `${64 * MIB}\n20\n`);
    const killed = await run([...words, 'sh', '-c', EAT]);
    assert.equal(killed.exitCode, 137);
    assert.match(killed.stderr, /out of memory \(limit 67108864 bytes, --memory\)/);
    const {stderr} = await run(['run', '--network', 'none', '--cgroup-parent', 'x', image, 'true']);
    assert.match(stderr, /CGROUP_CONTROLLER_MISSING/);
  });

  test('a kept container of a user is measured, paused and limited', async ({run, image, cgroups, read}) => {
    const act = async (...words: readonly string[]) => requireSuccess(await run(words)).stdout.trim();
    await act('run', '-d', '--name', 'box', '--network', 'none', '-m', '64m', image, 'sleep', '1000');
    const [cgroup = ''] = cgroups();
    const [usage] = JSON.parse(await act('stats', '--no-stream', '--format', 'json', 'box'));
    assert.equal(usage.memoryLimitBytes, 64 * MIB);
    assert.ok(usage.memoryBytes > 0 && usage.pids === 1, JSON.stringify(usage));
    await act('pause', 'box');
    assert.equal(read(cgroup, 'cgroup.freeze'), '1');
    await act('unpause', 'box');
    await act('update', '-m', '32m', 'box');
    assert.equal(read(cgroup, 'memory.max'), String(32 * MIB));
    assert.match(await act('top', 'box'), /sleep 1000/);
    await act('rm', '-f', 'box');
  });

  test('a kept container of a user is known to have died for want of memory', async ({run, image}) => {
    const limit = ['-m', '32m', '--memory-swap', '32m'];
    requireSuccess(await run(['run', '-d', '--name', 'eater', '--network', 'none', ...limit, image, 'sh', '-c', EAT]));
    assert.equal(requireSuccess(await run(['wait', 'eater'])).stdout, '137\n');
    const {stdout} = requireSuccess(await run(['inspect', '--format', '{{.State.OOMKilled}}', 'eater']));
    assert.equal(stdout, 'true\n');
    requireSuccess(await run(['rm', 'eater']));
  });
});

/** @returns the cgroup for whoever makes others beside it. */
function delegate(top: string): string {
  const leaf = join(top, 'leaf');
  writeFileSync(join(unified ?? '', 'cgroup.subtree_control'), '+memory +pids +cpu');
  mkdirSync(leaf, {recursive: true});
  for (const path of [top, leaf]) {
    for (const name of ['.', 'cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads']) {
      chownSync(join(path, name), USER, USER);
    }
  }
  return leaf;
}
