// node bench/fuzz.ts [--seconds N] [--inputs N] [--seed N] [--input N]
//
// Mutates layers and reads them; what is accepted is compared with tarfile, GNU tar, fsck.erofs and the mounted tree.
// Prints a JSON line at the end, and ends with 1 when anything is wrong.
//
//   --seconds  how long; default 60
//   --inputs   how many at most
//   --seed     other inputs; default 1
//   --input    only this one, as it was with this seed
import {parseArgs} from 'node:util';
import {watchFuzz} from '../test/fuzz/watch-fuzz.ts';

const {values} = parseArgs({
  options: {
    seconds: {type: 'string', default: '60'},
    inputs: {type: 'string', default: `${2 ** 31}`},
    seed: {type: 'string', default: '1'},
    input: {type: 'string'},
  },
});
const started = performance.now();
const report = await watchFuzz({
  seed: Number(values.seed),
  first: Number(values.input ?? 0),
  inputs: values.input === undefined ? Number(values.inputs) : 1,
  seconds: Number(values.seconds),
});
const seconds = Math.round((performance.now() - started) / 1000);
process.stdout.write(`${JSON.stringify({seed: Number(values.seed), seconds, ...report})}\n`);
process.exitCode = report.findings.length > 0 ? 1 : 0;
