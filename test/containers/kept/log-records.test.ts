import * as assert from 'uvu/assert';
import {createLogReader, type LogFilter} from '../../../src/containers/kept/log-records.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {describe} from '../../helpers/suite.ts';

const record = (second: number, words: string) => `2026-01-31T12:00:0${second}.123456789+00:00 ${words}\n`;
const LOG = [
  record(1, 'stdout F first'),
  record(2, 'stdout P be'),
  record(3, 'stderr F error'),
  record(4, 'stdout P gi'),
  record(5, 'stdout F n\0\xff'),
  record(6, 'stdout P open'),
].join('');

/** What is read of a log that comes in pieces of this size. */
function read(log: string, filter: LogFilter = {}, pieceBytes = log.length): Readonly<Record<string, string>> {
  const text: Record<string, string> = {};
  const push = createLogReader(filter);
  const bytes = Buffer.from(log, 'latin1');
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    for (const piece of push(bytes.subarray(at, at + pieceBytes))) {
      text[piece.stream] = (text[piece.stream] ?? '') + piece.bytes.toString('latin1');
    }
  }
  return text;
}

describe('containers/kept/log-records', ({test}) => {
  test('puts lines together again, byte for byte, wherever the file is cut', () => {
    const whole = {stdout: 'first\nbegin\0\xff\nopen', stderr: 'error\n'};
    for (const size of [1, 7, 50, LOG.length]) assert.equal(read(LOG, {}, size), whole, `pieces of ${size}`);
  });

  test('neighbours of one stream come as one piece, in their order', () => {
    const pieces = createLogReader({})(Buffer.from(LOG, 'latin1'));
    assert.equal(
      pieces.map(({stream}) => stream),
      ['stdout', 'stderr', 'stdout'],
    );
  });

  test('a time stands before each line, not before each piece of one', () => {
    const {stdout} = read(LOG, {timestamps: true});
    const time = (second: number) => `2026-01-31T12:00:0${second}.123456789Z`;
    assert.is(stdout, `${time(1)} first\n${time(2)} begin\0\xff\n${time(6)} open`);
  });

  test('leaves out what is older or younger', () => {
    const at = (second: string) => new Date(`2026-01-31T12:00:0${second}Z`);
    assert.equal(read(LOG, {since: at('3.123'), until: at('5')}), {stdout: 'gi', stderr: 'error\n'});
    assert.equal(read(LOG, {since: at('9')}), {});
  });

  test('what is no record is passed on as it is', () => {
    assert.equal(read(`torn\n${record(1, 'stdout F x')}\n`), {stdout: 'torn\nx\n\n'});
  });

  test('gives up on a record without an end', async () => {
    const push = createLogReader({});
    const error = await rejectionOf(
      (async () => {
        for (let index = 0; index < 3; index += 1) push(Buffer.alloc(500_000, 'x'));
      })(),
    );
    assert.is(error.code, 'STORE_CORRUPT');
  });
});
