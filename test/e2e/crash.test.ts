import * as assert from 'node:assert/strict';
import {CRASH_COMMANDS, type CrashCommand} from '../helpers/crash-commands.ts';
import {type DiskCall, openCrashRig} from '../helpers/crash-rig.ts';
import {missingFor, missingRoot} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';

const skip = missingFor('runc', 'busybox', 'setsid');
const LONGEST_MS = 240_000;
/** Parts of the time that a command takes among the others. */
const MOMENTS = [0.2, 0.35, 0.5, 0.7];
/** What comes right before and after each thing becomes true on the disk. */
const CALLS: readonly (readonly [CrashCommand, DiskCall, number])[] = [
  ['pull', 'rename', 1],
  ['pull', 'fsync', 8],
  ['extract', 'mkdirat', 3],
  ['extract', 'linkat', 1],
  ['copy', 'rename', 4],
  ['rmi', 'rename', 2],
];

/** What another user does without becoming root of a user namespace, whatever the store holds. */
const STAY_USER: readonly CrashCommand[] = ['pull', 'copy'];

describe('e2e/crash', ({test}) => {
  test(
    'S01 commands that run at once and are killed at any moment leave a sound store, on which they succeed',
    async () => {
      await using rig = await openCrashRig();
      const durations = [...(await rig.time(...CRASH_COMMANDS))];
      const momentOf = (ms: number, index: number) => ms * (MOMENTS[index % MOMENTS.length] ?? 0);
      // On a machine whose load comes and goes a command may have ended before its moment.
      let hits = 0;
      for (let round = 0; round < 4 && hits < CRASH_COMMANDS.length / 3; round += 1) {
        const crowd = durations.map(([command, ms], index) => [command, momentOf(ms, index) / (round + 1)] as const);
        hits += (await rig.strikeTogether(new Map(crowd))).length;
      }
      assert.ok(hits >= CRASH_COMMANDS.length / 3, `${hits} commands were still running`);
      await rig.requireEmptied();
    },
    {skip, timeoutMs: LONGEST_MS},
  );

  test(
    'S01 commands killed as they rename, sync and delete leave a sound store, on which they succeed',
    async () => {
      await using rig = await openCrashRig();
      // Who is traced cannot become root of a user namespace with several ids.
      const isRoot = missingRoot() === undefined;
      for (const [command, call, count] of CALLS.filter(([name]) => isRoot || STAY_USER.includes(name))) {
        assert.equal(await rig.strike(command, {call, count}), true, `${command}: ${call} ${count}`);
      }
    },
    {skip: skip ?? missingFor('strace'), timeoutMs: LONGEST_MS},
  );
});
