import fs from 'node:fs/promises';
import {syncBuiltinESMExports} from 'node:module';

/**
 * A process of its own that repairs a store, and dies right before the step of this number that changes a directory;
 * ends with 0 when there are fewer.
 */
const [root = '', runtimeDirectory = '', step = '1'] = process.argv.slice(2);
let steps = 0;
const dying =
  <Words extends readonly unknown[], Result>(original: (...words: Words) => Result) =>
  (...words: Words): Result => {
    steps += 1;
    if (steps === Number(step)) process.kill(process.pid, 'SIGKILL');
    return original(...words);
  };
fs.rename = dying(fs.rename);
fs.link = dying(fs.link);
fs.rm = dying(fs.rm);
syncBuiltinESMExports();

const {openToolkit} = await import('../../../src/toolkit.ts');
await using toolkit = await openToolkit({root, runtimeDirectory});
await toolkit.images.check({deep: true, repair: true});
