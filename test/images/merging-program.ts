import fs from 'node:fs/promises';
import {syncBuiltinESMExports} from 'node:module';

/**
 * A process of its own that pulls an image that is there, without its merged index, and dies right before the step of
 * this number that changes a directory, or before it asks a thread for the index; ends with 0 when there are fewer.
 */
const [root = '', runtimeDirectory = '', name = '', step = '1'] = process.argv.slice(2);
let steps = 0;
const dying =
  <Words extends readonly unknown[], Result>(original: (...words: Words) => Result) =>
  (...words: Words): Result => {
    steps += 1;
    if (steps === Number(step)) process.kill(process.pid, 'SIGKILL');
    return original(...words);
  };
fs.mkdir = dying(fs.mkdir) as typeof fs.mkdir;
fs.rename = dying(fs.rename);
fs.rm = dying(fs.rm);
syncBuiltinESMExports();

const {openToolkit} = await import('../../src/toolkit.ts');
await using toolkit = await openToolkit({root, runtimeDirectory});
await toolkit.images.pull(name, {platform: 'linux/amd64', policy: 'missing'});
