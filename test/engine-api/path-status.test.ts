import * as assert from 'uvu/assert';
import {toGoMode} from '../../src/engine-api/path-status.ts';
import {describe} from '../helpers/suite.ts';

describe('engine-api/path-status', ({test}) => {
  test('writes kinds and permissions as Go does', () => {
    for (const [mode, expected] of [
      [0o100_644, 0o644],
      [0o040_755, 2 ** 31 + 0o755],
      [0o041_777, 2 ** 31 + 2 ** 20 + 0o777],
      [0o120_777, 2 ** 27 + 0o777],
      [0o060_660, 2 ** 26 + 0o660],
      [0o020_620, 2 ** 26 + 2 ** 21 + 0o620],
      [0o010_600, 2 ** 25 + 0o600],
      [0o140_755, 2 ** 24 + 0o755],
      [0o104_755, 2 ** 23 + 0o755],
      [0o102_755, 2 ** 22 + 0o755],
    ] as const) {
      assert.is(toGoMode(mode), expected, mode.toString(8));
    }
  });
});
