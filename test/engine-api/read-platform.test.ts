import * as assert from 'uvu/assert';
import {readPlatform} from '../../src/engine-api/read-platform.ts';
import {isWinchError} from '../../src/errors.ts';
import {describe} from '../helpers/suite.ts';

describe('engine-api/read-platform', ({test}) => {
  test('reads both forms', () => {
    assert.is(readPlatform(null), undefined);
    assert.is(readPlatform(''), undefined);
    assert.is(readPlatform('linux/arm64/v8'), 'linux/arm64/v8');
    assert.is(readPlatform('{"os":"linux","architecture":"arm","variant":"v7"}'), 'linux/arm/v7');
    assert.is(readPlatform('{"os":"linux","architecture":"amd64","variant":""}'), 'linux/amd64');
  });

  test('E05 refuses an object that is none', () => {
    for (const text of ['{', '{}', '{"os":1}', '{"os":"linux"}']) {
      assert.throws(
        () => readPlatform(text),
        (error: unknown) => isWinchError(error) && error.kind === 'invalid',
      );
    }
  });
});
