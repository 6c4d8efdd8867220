import * as assert from 'node:assert/strict';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {missingFor} from '../helpers/requires.ts';
import {findStoreProblems} from '../helpers/store-problems.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch, type WinchExit} from '../helpers/winch.ts';

const skip = missingFor('runc', 'busybox');
/** Before and after the marks become true, and the files go. */
const KILLING_CALLS = [
  ['fsync', 3],
  ['rename', 1],
  ['unlink', 1],
] as const;

describe('e2e/drop-blobs', ({test}) => {
  test(
    'an image without its compressed layers runs with no registry, and is pushed with one',
    async () => {
      await using registry = await startRegistry();
      await using other = await startRegistry();
      using winch = makeWinch();
      registry.put('app', '1', busyboxImage());
      const name = `${registry.host}/app:1`;
      requireSuccess(await winch.run(['pull', name]));
      const {stdout} = requireSuccess(await winch.run(['prune', '--blobs']));
      assert.match(stdout, /^Dropped: \d+ compressed layers?$/m);
      registry.setFaults([{on: 'any', status: 503}]);
      const run = ['run', '--network', 'none', name, 'echo', 'still here'];
      assert.equal(requireSuccess(await winch.run(run)).stdout, 'still here\n');
      assert.match(requireSuccess(await winch.run(['check', '--deep'])).stderr, /compressed layers are not kept/);
      registry.setFaults([]);
      requireSuccess(await winch.run(['push', name, `${other.host}/app:1`]));
      assert.match((await winch.run(['df'])).stderr, /winch prune --blobs frees/);
    },
    {skip},
  );

  test(
    'a prune that is killed as it drops leaves a sound store, and one more finishes',
    async () => {
      await using registry = await startRegistry();
      using winch = makeWinch();
      registry.put('app', '1', busyboxImage());
      const name = `${registry.host}/app:1`;
      const prune = ['prune', '--blobs'];
      for (const [call, count] of KILLING_CALLS) {
        requireSuccess(await winch.run(['pull', name]));
        const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:signal=KILL:when=${count}`];
        const within = ['strace', '-f', '-qq', '-o', '/dev/null', ...inject];
        const {exitCode} = await winch.run(prune, {within, env: {UV_THREADPOOL_SIZE: '1'}});
        assert.notEqual(exitCode, 0, `${call} ${count}`);
        assert.deepEqual(findStoreProblems(winch.root), [], `${call} ${count}`);
        requireSuccess(await winch.run(prune));
        assert.deepEqual(findStoreProblems(winch.root), [], `${call} ${count}`);
        requireSuccess(await winch.run(['rmi', name]));
      }
    },
    {skip: skip ?? missingFor('strace')},
  );
});

function requireSuccess(exit: WinchExit): WinchExit {
  assert.equal(exit.exitCode, 0, exit.stderr);
  return exit;
}
