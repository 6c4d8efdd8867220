import * as assert from 'node:assert/strict';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {putCrowdImages, runCrowd} from '../helpers/crowd.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch} from '../helpers/winch.ts';

const PULLERS = 8;
const DURATION_MS = 12_000;
const LONGEST_MS = 180_000;

describe('e2e/together', ({test}) => {
  test(
    'S10 pulls of images that share a base succeed while others remove, prune and tag them all the time',
    async () => {
      await using registry = await startRegistry();
      putCrowdImages(registry);
      using winch = makeWinch();
      const {counts, failures} = await runCrowd({winch, registry, pullers: PULLERS, durationMs: DURATION_MS});
      assert.deepEqual(failures, []);
      assert.ok(Math.min(...Object.values(counts)) > 0, JSON.stringify(counts));
    },
    {timeoutMs: LONGEST_MS},
  );
});
