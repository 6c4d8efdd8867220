import * as assert from 'node:assert/strict';
import {CRASH_COMMANDS, type CrashCommand, type DiskCall, openCrashRig} from '../helpers/crash-rig.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';

const skip = missingFor('runc', 'busybox', 'setsid');
/** Where in a command of ordinary length it is killed. */
const MOMENTS = [0.35, 0.6, 0.85];
/** What comes right before and after each thing becomes true on the disk. */
const CALLS: readonly (readonly [CrashCommand, DiskCall, number])[] = [
  ['pull', 'rename', 1],
  ['pull', 'fsync', 8],
  ['copy', 'rename', 4],
  ['rmi', 'rename', 2],
];

describe('e2e/crash', ({test}) => {
  test(
    'S01 commands killed at any moment leave a sound store, on which they succeed',
    async () => {
      await using rig = await openCrashRig();
      const durations = new Map<CrashCommand, number>();
      for (const command of CRASH_COMMANDS) durations.set(command, await rig.time(command));
      let interrupted = 0;
      for (const [index, command] of CRASH_COMMANDS.entries()) {
        const afterMs = (durations.get(command) ?? 0) * (MOMENTS[index % MOMENTS.length] ?? 0);
        if (await rig.strike(command, {afterMs})) interrupted += 1;
      }
      assert.ok(interrupted > CRASH_COMMANDS.length / 2, `${interrupted} commands were still running`);
    },
    {skip},
  );

  test(
    'S01 commands killed as they rename, sync and delete leave a sound store, on which they succeed',
    async () => {
      await using rig = await openCrashRig();
      for (const [command, call, count] of CALLS) {
        await rig.prepare(command);
        assert.equal(await rig.strike(command, {call, count}), true, `${command}: ${call} ${count}`);
      }
    },
    {skip: skip ?? missingFor('strace')},
  );
});
