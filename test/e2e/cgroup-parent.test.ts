import * as assert from 'node:assert/strict';
import {once} from 'node:events';
import {listCgroups} from '../helpers/container-traces.ts';
import {pullBox} from '../helpers/pull-box.ts';
import {requireSuccess} from '../helpers/require-exit.ts';
import {missingCgroup, missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {makeWinch} from '../helpers/winch.ts';

const skip = missingFor('runc', 'busybox') ?? missingCgroup();
/** Nobody else's. */
const KILLED = `winch-parent-killed-${process.pid}`;
const SHARED = `winch-parent-shared-${process.pid}`;
const RUNS = 12;
const ROUNDS = 3;

describe('e2e/cgroup-parent', ({test}) => {
  const cgroupsBelow = (parent: string) => listCgroups().filter((path) => path.includes(parent));

  test(
    'wherever a run is killed, the next command takes its cgroup away, and the parents that winch has made',
    async () => {
      using winch = makeWinch();
      const image = await pullBox(winch.run);
      const words = ['run', '--network', 'none', '--cgroup-parent', `/${KILLED}/a/b`, image];
      const begun = performance.now();
      requireSuccess(await winch.run([...words, 'sleep', '0.1']));
      const tookMs = performance.now() - begun;
      assert.deepEqual(cgroupsBelow(KILLED), []);
      for (let index = 0; index < RUNS; index += 1) {
        const {child} = winch.start([...words, 'sleep', '0.1']);
        const ended = once(child, 'exit');
        setTimeout(() => child.kill('SIGKILL'), (tookMs * (index + 1)) / RUNS);
        await ended;
        requireSuccess(await winch.run(['ps', '-a']));
        await waitFor(() => cgroupsBelow(KILLED).length === 0).catch(() => assert.deepEqual(cgroupsBelow(KILLED), []));
      }
    },
    {skip, timeoutMs: 240_000},
  );

  test(
    'runs at the same time share parents that come and go',
    async () => {
      using winch = makeWinch();
      const image = await pullBox(winch.run);
      const runIn = (parent: string) =>
        winch.run(['run', '--network', 'none', '--cgroup-parent', `/${SHARED}/${parent}`, image, 'true']);
      for (let round = 0; round < ROUNDS; round += 1) {
        const exits = await Promise.all(['a', 'a/b', 'a/b', 'a/c'].map(runIn));
        for (const exit of exits) requireSuccess(exit);
        assert.deepEqual(cgroupsBelow(SHARED), []);
      }
    },
    {skip, timeoutMs: 240_000},
  );
});
