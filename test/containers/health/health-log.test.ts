import * as assert from 'uvu/assert';
import {
  addResult,
  type ContainerHealth,
  type HealthTiming,
  pauseBeforeCheck,
  readHealth,
  UNCHECKED,
  writeHealth,
} from '../../../src/containers/health/health-log.ts';
import {describe} from '../../helpers/suite.ts';
import {makeTemporaryDirectory} from '../../helpers/temporary-directory.ts';

const STARTED = Date.parse('2026-01-31T12:00:00Z');
const TIMING: HealthTiming = {
  check: {
    ...{test: ['CMD', 'a'], command: ['a'], intervalMs: 30_000, timeoutMs: 1000, retries: 2},
    ...{startPeriodMs: 10_000, startIntervalMs: 500},
  },
  startedMs: STARTED,
};

describe('containers/health/health-log', ({test}) => {
  const resultOf = (exitCode: number, afterMs: number) => {
    const time = new Date(STARTED + afterMs).toISOString();
    return {start: time, end: time, exitCode, output: ''};
  };
  const after = (...results: readonly (readonly [exitCode: number, afterMs: number])[]): ContainerHealth =>
    results.reduce((health, [code, ms]) => addResult(health, resultOf(code, ms), TIMING), UNCHECKED);
  const stateOf = ({status, failingStreak}: ContainerHealth) => [status, failingStreak];

  test('follows from the results as with docker', () => {
    assert.equal(stateOf(after()), ['starting', 0]);
    assert.equal(stateOf(after([0, 100])), ['healthy', 0]);
    assert.equal(stateOf(after([1, 100], [2, 200], [-1, 300])), ['starting', 0], 'nothing counts while it is starting');
    assert.equal(stateOf(after([0, 100], [1, 200])), ['healthy', 1], 'it has started');
    assert.equal(stateOf(after([0, 100], [1, 200], [1, 300])), ['unhealthy', 2]);
    assert.equal(stateOf(after([1, 11_000])), ['starting', 1], 'the time is over');
    assert.equal(stateOf(after([1, 11_000], [1, 12_000], [1, 13_000])), ['unhealthy', 3]);
    assert.equal(stateOf(after([1, 11_000], [1, 12_000], [0, 13_000])), ['healthy', 0]);
  });

  test('keeps the last five', () => {
    const {log} = after([1, 1], [1, 2], [1, 3], [1, 4], [1, 5], [0, 6]);
    assert.equal([log.length, log.at(-1)?.exitCode, log[0]?.start], [5, 0, '2026-01-31T12:00:00.002Z']);
  });

  test('is looked at more often while it is starting', () => {
    const pauseOf = (health: ContainerHealth, ms: number) => pauseBeforeCheck(health, TIMING, STARTED + ms);
    assert.equal([pauseOf(after(), 0), pauseOf(after(), 10_000), pauseOf(after([0, 1]), 1)], [500, 30_000, 30_000]);
  });

  test('is there as a whole, and nothing fails where the container is gone', () => {
    using directory = makeTemporaryDirectory();
    assert.equal(readHealth(directory.path), UNCHECKED);
    writeHealth(directory.path, after([0, 1]));
    assert.equal(readHealth(directory.path), after([0, 1]));
    writeHealth(`${directory.path}/gone`, UNCHECKED);
  });
});
