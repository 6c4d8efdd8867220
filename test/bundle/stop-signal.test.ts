import * as assert from 'uvu/assert';
import {parseStopSignal} from '../../src/bundle/stop-signal.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';

describe('bundle/stop-signal', ({test}) => {
  test('takes names with or without SIG, numbers and real-time signals', () => {
    const table = {
      SIGTERM: 15,
      quit: 3,
      Int: 2,
      '9': 9,
      '64': 64,
      RTMIN: 34,
      'SIGRTMIN+3': 37,
      'RTMAX-14': 50,
      RTMAX: 64,
    };
    for (const [text, number] of Object.entries(table)) assert.is(parseStopSignal(text), number, text);
  });

  test('refuses everything else', () => {
    const bad = [
      '',
      'SIGFOO',
      '0',
      '65',
      '-1',
      '1.5',
      'RTMIN-1',
      'RTMIN+31',
      'RTMAX-31',
      'RTMIN+',
      '__proto__',
      'SIGSIGTERM',
    ];
    for (const text of bad) {
      assert.is(
        codeOf(() => parseStopSignal(text)),
        'SIGNAL_INVALID',
        text,
      );
    }
  });
});
