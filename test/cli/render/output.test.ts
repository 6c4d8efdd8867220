import {closeSync, mkdtempSync, openSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {createOutput} from '../../../src/cli/render/output.ts';
import {codeOf} from '../../helpers/code-of.ts';
import {describe} from '../../helpers/suite.ts';

describe('cli/render/output', ({test, before, after}) => {
  let directory = '';
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'winch-output-'));
  });
  after(() => rmSync(directory, {recursive: true}));

  test('writes everything at once', () => {
    const path = join(directory, 'text');
    const descriptor = openSync(path, 'w');
    const text = 'ä\n'.repeat(100_000);
    const output = createOutput(descriptor, {isVital: true});
    assert.is(output.write(text), true);
    output.write(Buffer.from([0, 255]));
    assert.equal(readFileSync(path), Buffer.concat([Buffer.from(text), Buffer.from([0, 255])]));
    closeSync(descriptor);
  });

  test('takes a reader that has gone for no failure', () => {
    const descriptor = openSync(join(directory, 'closed'), 'w');
    closeSync(descriptor);
    const output = createOutput(descriptor, {isVital: true});
    assert.is(output.write('dropped'), false);
    assert.is(output.write(Buffer.from('dropped as well')), false);
  });

  test('fails when the result finds no room, and drops a remark that finds none', () => {
    const descriptor = openSync('/dev/full', 'w');
    assert.is(
      codeOf(() => createOutput(descriptor, {isVital: true}).write('x')),
      'OUTPUT_FAILED',
    );
    assert.is(
      codeOf(() => createOutput(descriptor, {isVital: false}).write('x')),
      null,
    );
    closeSync(descriptor);
  });
});
