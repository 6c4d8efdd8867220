import {PassThrough} from 'node:stream';
import {text} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {createLineFinder} from '../../src/containers/line-finder.ts';
import {readUntilLine} from '../../src/containers/read-until-line.ts';
import {describe} from '../helpers/suite.ts';

describe('containers/line-finder', ({test}) => {
  test('finds a line however it comes in pieces', () => {
    const whole = Buffer.from('erste\nzweite ä\r\ndritte');
    for (let cut = 1; cut < whole.length; cut += 1) {
      const finder = createLineFinder(/^zweite ä$/);
      const found = finder.add(whole.subarray(0, cut)) ?? finder.add(whole.subarray(cut));
      assert.is(found?.line, 'zweite ä', String(cut));
      const last = whole.indexOf('dritte');
      assert.is(found?.restBytes, cut >= last ? cut - last : 'dritte'.length, String(cut));
    }
  });

  test('goes line by line, and takes a last one without an end', () => {
    const finder = createLineFinder('b\nc');
    assert.is(finder.add(Buffer.from('b\nc\nd')), null);
    assert.is(finder.end(), null);
    const last = createLineFinder(/^d$/);
    last.add(Buffer.from('b\nd'));
    assert.is(last.end(), 'd');
    assert.is(createLineFinder(/^$/).end(), null);
  });

  test('a pattern with a memory of its own forgets it', () => {
    const finder = createLineFinder(/a/g);
    for (let round = 0; round < 3; round += 1) assert.is(finder.add(Buffer.from('a\n'))?.line, 'a');
  });

  test('leaves in the streams what comes after the line', async () => {
    const [one, other] = [new PassThrough(), new PassThrough()];
    const reading = readUntilLine([one, other], {pattern: 'ready'});
    one.write('first\n');
    other.end('half');
    one.end('ready\nrest');
    assert.is(await reading, 'ready');
    assert.is(await text(one), 'rest');
    assert.is(await readUntilLine([other], {pattern: 'never'}), null);
  });
});
