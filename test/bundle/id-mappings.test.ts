import * as assert from 'uvu/assert';
import {findHostId, requireIdMappings} from '../../src/bundle/id-mappings.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';

const range = (containerID: number, hostID: number, size: number) => ({containerID, hostID, size});
const check = (...uids: readonly ReturnType<typeof range>[]) => requireIdMappings({uids, gids: [range(0, 0, 1)]});

describe('bundle/id-mappings', ({test}) => {
  test('finds the id of the host in whichever range has it', () => {
    const ranges = [range(0, 1000, 1), range(1, 100_000, 65_535)];
    const found = [0, 1, 65_535, 65_536].map((id) => findHostId(ranges, id));
    assert.equal(found, [1000, 100_000, 165_534, null]);
  });

  test('takes what the kernel takes', () => {
    check(range(0, 1000, 1), range(1, 100_000, 65_535));
    check(range(0, 0, 2 ** 32 - 1));
    check(...Array.from({length: 340}, (_, index) => range(index, 1000 + index, 1)));
  });

  const refused: Readonly<Record<string, readonly ReturnType<typeof range>[]>> = {
    'no range': [],
    'more ranges than the kernel takes': Array.from({length: 341}, (_, index) => range(index, 1000 + index, 1)),
    'an id of the container twice': [range(0, 1000, 2), range(1, 2000, 1)],
    'an id of the host twice': [range(0, 1000, 2), range(5, 1001, 1)],
    'an empty range': [range(0, 1000, 0)],
    'an id that is none': [range(2 ** 32 - 1, 0, 1)],
    'a range that goes beyond all ids': [range(0, 2 ** 32 - 2, 2)],
    'half an id': [range(0.5, 0, 1)],
  };
  for (const [what, ranges] of Object.entries(refused)) {
    test(`refuses ${what}`, () =>
      assert.is(
        codeOf(() => check(...ranges)),
        'ID_MAPPING_INVALID',
      ));
  }
});
