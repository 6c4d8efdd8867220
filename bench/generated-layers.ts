// node bench/generated-layers.ts [--layers N] [--seed N]
//
// Writes layers that depend on nothing but their seeds; fsck.erofs checks each, and the kernel mounts each, which has to
// show what was meant. Prints a JSON line with how many each has looked at, and ends with 1 when anything is wrong.
//
//   --layers  how many; default 200
//   --seed    of the first; default 1
import {parseArgs} from 'node:util';
import {fsckSkip} from '../test/helpers/fsck-erofs.ts';
import {checkGeneratedLayers} from '../test/layers/generated-layers.ts';
import {mountSkip} from '../test/layers/mounted-tree.ts';

const {values} = parseArgs({
  options: {layers: {type: 'string', default: '200'}, seed: {type: 'string', default: '1'}},
});
const report = await checkGeneratedLayers({seed: Number(values.seed), layers: Number(values.layers)});
const skipped = [fsckSkip, mountSkip].filter((reason) => reason !== undefined);
process.stdout.write(`${JSON.stringify({...report, skipped})}\n`);
process.exitCode = report.findings.length > 0 ? 1 : 0;
