import * as assert from 'node:assert/strict';
import {once} from 'node:events';
import {processes} from '../helpers/container-traces.ts';
import {pullBox} from '../helpers/pull-box.ts';
import {requireSuccess} from '../helpers/require-exit.ts';
import {missingFor, missingRoot} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {makeWinch} from '../helpers/winch.ts';

const skip = missingRoot() ?? missingFor('runc', 'busybox');
/** Nobody else's. */
const NAPS = [`sleep 1${process.pid}`, `sleep 2${process.pid}`];
const isRunning = (command: string) => processes().some(({words}) => words.join(' ').trim() === command);

describe('e2e/shared-processes', ({test}) => {
  test(
    "a container that sees the machine's processes ends with all of its own when its winch is killed",
    async () => {
      using winch = makeWinch();
      const image = await pullBox(winch.run);
      const script = NAPS.join(' & ');
      const name = `shared-${process.pid}`;
      const {child} = winch.start(['run', '--name', name, '--pid', 'host', image, 'sh', '-c', script]);
      const ended = once(child, 'exit');
      await waitFor(() => NAPS.every(isRunning));
      child.kill('SIGKILL');
      await ended;
      await waitFor(() => !NAPS.some(isRunning));
      const {stdout} = requireSuccess(await winch.run(['ps', '-a', '--format', '{{.Names}}']));
      assert.ok(!stdout.split('\n').includes(name), stdout);
    },
    {skip, timeoutMs: 120_000},
  );
});
