import {once} from 'node:events';
import {runProgram} from './run-program.ts';
import {describe} from './suite.ts';
import {makeWinch} from './winch.ts';

/** A test whose time is up, or whose process is ended, while its commands run; it prints their ids and its directory. */
describe('helpers/hanging', ({test}) => {
  test(
    'never ends',
    async () => {
      using winch = makeWinch();
      // One that does not end when it is asked to.
      const deaf = winch.startShell('trap "" TERM; echo $$; while :; do sleep 0.1; done', {input: null});
      await once(deaf.child.stdout ?? deaf.child, 'data');
      process.stdout.write(`hanging ${deaf.readStdout().trim()} ${winch.directory}\n`);
      await runProgram('sleep', ['1000']);
    },
    {timeoutMs: Number(process.env.WINCH_TEST_HANGING_MS)},
  );
});
