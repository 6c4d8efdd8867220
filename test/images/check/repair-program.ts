import {dieAtStep} from '../../helpers/die-at-step.ts';

/**
 * A process of its own that repairs a store, and dies right before the step of this number that changes a directory;
 * ends with 0 when there are fewer.
 */
const [root = '', runtimeDirectory = '', step = '1'] = process.argv.slice(2);
dieAtStep(Number(step), ['rename', 'link', 'rm']);

const {openToolkit} = await import('../../../src/toolkit.ts');
await using toolkit = await openToolkit({root, runtimeDirectory});
await toolkit.images.check({deep: true, repair: true});
