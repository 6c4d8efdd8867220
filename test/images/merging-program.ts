import {dieAtStep} from '../helpers/die-at-step.ts';

/**
 * A process of its own that pulls an image that is there, without its merged index, and dies right before the step of
 * this number that changes a directory, or before it asks a thread for the index; ends with 0 when there are fewer.
 */
const [root = '', runtimeDirectory = '', name = '', step = '1'] = process.argv.slice(2);
dieAtStep(Number(step), ['mkdir', 'rename', 'rm']);

const {openToolkit} = await import('../../src/toolkit.ts');
await using toolkit = await openToolkit({root, runtimeDirectory});
await toolkit.images.pull(name, {platform: 'linux/amd64', policy: 'missing'});
