import * as assert from 'uvu/assert';
import {findNearest} from '../../../src/cli/arguments/nearest.ts';
import {describe} from '../../helpers/suite.ts';

const COMMANDS = ['pull', 'run', 'bundle', 'images', 'inspect', 'history', 'tree', 'tag', 'rmi'];

describe('cli/arguments/nearest', ({test}) => {
  const cases: readonly (readonly [string, string | null])[] = [
    ['pul', 'pull'],
    ['pulll', 'pull'],
    ['plul', 'pull'],
    ['image', 'images'],
    ['insepct', 'inspect'],
    ['rnu', 'run'],
    ['rm', 'rmi'],
    ['push', 'pull'],
    ['exec', null],
    ['x', null],
    ['', null],
  ];
  for (const [word, expected] of cases) {
    test(`takes "${word}" for ${expected ?? 'nothing'}`, () => assert.is(findNearest(word, COMMANDS), expected));
  }
});
