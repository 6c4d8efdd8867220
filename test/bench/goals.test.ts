import * as assert from 'uvu/assert';
import {judge} from '../../bench/goals.ts';
import {summarize} from '../../bench/measure.ts';
import {describe} from '../helpers/suite.ts';

const measurements = summarize([
  {name: 'winch', runs: [1000], peakBytes: 251e6},
  {name: 'skopeo', runs: [500]},
  {name: 'docker', runs: [2500]},
  {name: 'ctr', runs: [1900]},
  {name: 'node', runs: [800]},
]);

describe('bench/goals', ({test}) => {
  test('holds a pull against the fastest that makes the image runnable, the floor and a limit of memory', () => {
    assert.equal(judge({scenario: 'pull', image: 'base', measurements}), [
      {name: 'times as fast as ctr', value: 1.9, wanted: 2, isReached: false},
      {name: 'times the floor', value: 1.25, wanted: 1.5, isReached: true},
      {name: 'peak MB', value: 251, wanted: 250, isReached: false},
    ]);
  });

  test('says nothing of who took no part, and nothing of other comparisons', () => {
    const alone = measurements.slice(0, 1).map(({peakBytes: _, ...rest}) => rest);
    assert.equal(judge({scenario: 'pull', image: 'base', measurements: alone}), []);
    assert.equal(judge({scenario: 'pull', image: 'base', measurements: measurements.slice(1)}), []);
    assert.equal(judge({scenario: 'run', image: 'base', measurements}), []);
    assert.equal(judge({scenario: 'pull', image: null, measurements}), []);
  });

  test('wants more the more files an image has', () => {
    const [speed] = judge({scenario: 'pull', image: 'many-files', measurements});
    assert.is(speed?.wanted, 4);
  });
});
