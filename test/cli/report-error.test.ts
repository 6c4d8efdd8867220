import * as assert from 'uvu/assert';
import {exitCodeOf, exitCodeOfSignal, interruptedBy} from '../../src/cli/exit-codes.ts';
import {formatError} from '../../src/cli/report-error.ts';
import {type ErrorKind, WinchError} from '../../src/errors.ts';
import {describe} from '../helpers/suite.ts';

describe('cli/report-error', ({test}) => {
  test('prints code, message and hint on one line', () => {
    const error = new WinchError('TAG_UNKNOWN', 'alpine has no tag 9', {
      kind: 'not-found',
      hint: 'there are 3.19, 3.20',
    });
    assert.is(formatError(error), 'winch: TAG_UNKNOWN: alpine has no tag 9: there are 3.19, 3.20\n');
  });

  test('puts a long hint on a second line', () => {
    const error = new WinchError('A', 'b', {kind: 'invalid', hint: 'c'.repeat(200)});
    assert.is(formatError(error), `winch: A: b:\n  ${'c'.repeat(200)}\n`);
  });

  test('adds what flags can do, by code', () => {
    const error = new WinchError('PLATFORM_MISSING', 'm', {kind: 'not-found', hint: 'it offers linux/arm64'});
    assert.is(formatError(error), 'winch: PLATFORM_MISSING: m: it offers linux/arm64; choose with --platform\n');
  });

  test('prints nothing that a terminal obeys, and nothing without end', () => {
    const error = new WinchError('A', `\x1b]52;c;aGk=\x07\r\n${'x'.repeat(100_000)}`, {
      kind: 'refused',
      hint: '\u202e',
    });
    const text = formatError(error);
    assert.not.match(text.slice(0, -1), /[\x00-\x09\x0b-\x1f\u202e]/);
    assert.ok(text.length < 3000);
    assert.ok(text.split('\n').length <= 3);
  });

  test('escapes stacks line by line', () => {
    const text = formatError(new Error('evil\x1b[2J'));
    assert.match(text, /^winch: BUG: Error: evil\\x1b\[2J\n {4}at /);
  });

  test('reports what is no error at all', () => {
    assert.match(formatError('text'), /^winch: BUG: 'text'\n/);
    assert.match(formatError(undefined), /^winch: BUG: undefined\n/);
    assert.is(JSON.parse(formatError(null, {asJson: true})).code, 'BUG');
  });
});

describe('cli/exit-codes', ({test}) => {
  const codes: Readonly<Record<Exclude<ErrorKind, 'interrupted'>, number>> = {
    invalid: 2,
    refused: 3,
    'not-found': 4,
    unavailable: 4,
    unauthorized: 5,
    denied: 5,
    storage: 6,
    corrupt: 6,
    unsupported: 6,
    runtime: 125,
  };
  for (const [kind, code] of Object.entries(codes)) {
    test(`ends with ${code} for ${kind}`, () => {
      assert.is(exitCodeOf(new WinchError('A', 'b', {kind: kind as ErrorKind})), code);
    });
  }

  test('ends with 128 and the signal for interruptions, also of run', () => {
    assert.is(exitCodeOf(interruptedBy('SIGINT')), 130);
    assert.is(exitCodeOf(interruptedBy('SIGTERM')), 143);
    assert.is(exitCodeOf(interruptedBy('SIGHUP'), 125), 129);
    assert.is(exitCodeOf(new WinchError('RUN_STOPPED', 'b', {kind: 'interrupted'})), 130);
    assert.is(exitCodeOfSignal('SIGQUIT'), 131);
  });

  test('ends with 1 for bugs', () => assert.is(exitCodeOf(new Error('x')), 1));
});
