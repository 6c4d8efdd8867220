import * as assert from 'uvu/assert';
import {hasErrno, isWinchError, WinchError} from '../../src/errors.ts';
import {errorFromRecord, recordError} from '../../src/host/error-record.ts';
import {describe} from '../helpers/suite.ts';

const travel = (error: unknown): unknown => errorFromRecord(structuredClone(recordError(error)));

describe('host/error-record', ({test}) => {
  test('keeps a WinchError with its hint, details, stack and cause', () => {
    const error = new WinchError('CODE', 'what', {
      kind: 'storage',
      hint: 'do this',
      details: {bytes: 1},
      cause: Object.assign(new Error('disk'), {code: 'ENOSPC', errno: -28, syscall: 'write', path: '/x'}),
    });
    const copy = travel(error);
    assert.ok(isWinchError(copy, 'CODE'));
    assert.equal([copy.message, copy.kind, copy.hint, copy.details], ['what', 'storage', 'do this', {bytes: 1}]);
    assert.is(copy.stack, error.stack);
    assert.ok(hasErrno(copy.cause, 'ENOSPC'));
    assert.is(copy.cause.path, '/x');
  });

  test('keeps a WinchError without a hint as it is', () => {
    const copy = travel(new WinchError('CODE', 'what', {kind: 'refused'}));
    assert.ok(isWinchError(copy));
    assert.is(copy.hint, undefined);
    assert.is(copy.cause, undefined);
  });

  test('keeps the name of other errors and survives circular causes and thrown values', () => {
    const error = new RangeError('loop');
    error.cause = error;
    const copy = travel(error);
    assert.is(copy instanceof Error && copy.name, 'RangeError');
    assert.is(travel('text'), 'text');
  });
});
