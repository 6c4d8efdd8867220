import {resolve} from 'node:path';
import {definedMembers} from '../../oci/defined-members.ts';
import {choice, flag} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {renderSavedCache} from '../render/cache.ts';

/** `winch cache save` */
export const cacheSaveCommand = defineCommand({
  name: 'cache save',
  summary: 'Write images to a directory that a later CI job restores',
  description:
    'Without IMAGE, every tag of the store. Writes only what DIR lacks, and removes what is no longer wanted. Layers are ' +
    'packed by zstd: leave out any further compression. Of a name with several platforms the one that it stands for ' +
    'here is saved.\n\n' +
    'Steps of GitHub Actions, and this command as the last one:\n' +
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax of GitHub
    '{uses: actions/cache@v4, with: {path: DIR, key: "winch-${{ github.run_id }}", restore-keys: winch-}}\n' +
    '{run: winch cache restore DIR}\n\n' +
    'GitLab: cache: {key: winch, paths: [DIR]}',
  positionals: {usage: 'DIR [IMAGE...]', minimum: 1, beforeImages: 1, images: Number.POSITIVE_INFINITY},
  options: {
    keep: flag('Keep the images that DIR has already'),
    format: choice(['json'], 'Print JSON'),
  },
  examples: [
    ['winch cache save .winch-cache', 'Everything that has a name'],
    ['winch cache save .winch-cache node:22 app:1', 'These images alone'],
    ['winch cache save --keep .winch-cache node:22', 'One more'],
    ['winch cache save --format json .winch-cache', 'With the digests'],
  ],
  handle: async ({values, positionals: [directory = '', ...names]}, context) => {
    const {images} = await context.openToolkit();
    const {signal, onEvent, environment} = context;
    const request = {directory: resolve(environment.workingDirectory(), directory), names};
    const saved = await images.saveCache(request, {...definedMembers({keep: values.keep}), signal, onEvent});
    context.print(renderSavedCache(saved, values.format));
    return 0;
  },
});
