import * as assert from 'uvu/assert';
import {describe} from '../helpers/suite.ts';
import {readersSkip} from './reference-readers.ts';
import {watchFuzz} from './watch-fuzz.ts';

const INPUTS = 1500;
const SECONDS = 8;

describe('layers (fuzz)', ({test}) => {
  test(
    'T35 mutated layers are refused, or read as tarfile, GNU tar, fsck.erofs and Linux read them',
    async () => {
      const report = await watchFuzz({seed: 1, first: 0, inputs: INPUTS, seconds: SECONDS});
      assert.equal(report.findings, []);
      assert.ok(report.inputs > 0);
      process.stdout.write(`${report.inputs} inputs, ${report.accepted} accepted `);
    },
    {skip: readersSkip},
  );
});
