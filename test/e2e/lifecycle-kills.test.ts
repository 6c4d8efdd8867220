import {openLifecycleRig, SIGNALS, VICTIMS} from '../helpers/lifecycle-rig.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';

const skip = missingFor('runc', 'busybox', 'conmon');

describe('e2e/lifecycle-kills', ({test}) => {
  test(
    'U10 nothing is left of a container when winch, conmon or runc is struck between its creation and its end',
    async () => {
      await using rig = await openLifecycleRig();
      const wholeMs = await rig.time();
      for (const [index, victim] of VICTIMS.entries()) {
        await rig.strike({victim, signal: SIGNALS[2 - index] ?? 'SIGKILL', afterMs: wholeMs * (0.2 + 0.25 * index)});
      }
    },
    {skip, timeoutMs: 240_000},
  );
});
