import {resolve} from 'node:path';
import {definedMembers} from '../../oci/defined-members.ts';
import {choice, flag} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {EXIT_REFUSED} from '../exit-codes.ts';
import {renderRestoredCache} from '../render/cache.ts';

/** `winch cache restore` */
export const cacheRestoreCommand = defineCommand({
  name: 'cache restore',
  summary: 'Store the images that winch cache save has written, ready to run',
  description:
    'Reads only what the store lacks, and checks all of it. A directory that is not there is an empty cache. A name that ' +
    'has another image in the store stays. Images with damaged layers are left out, which ends with exit code 3.',
  positionals: {usage: 'DIR', minimum: 1, maximum: 1},
  options: {
    force: flag('Move names that have another image in the store', {short: 'f'}),
    format: choice(['json'], 'Print JSON'),
  },
  examples: [
    ['winch cache restore .winch-cache && winch run --rm node:22 npm test', 'No registry is asked'],
    ['winch cache restore .winch-cache || true', 'What is damaged is pulled when it is used'],
  ],
  handle: async ({values, positionals: [directory = '']}, context) => {
    const {images} = await context.openToolkit();
    const {signal, onEvent, environment} = context;
    const path = resolve(environment.workingDirectory(), directory);
    const restored = await images.restoreCache(path, {...definedMembers({force: values.force}), signal, onEvent});
    context.print(renderRestoredCache(restored, values.format));
    return restored.images.some(({outcome}) => outcome === 'damaged') ? EXIT_REFUSED : 0;
  },
});
