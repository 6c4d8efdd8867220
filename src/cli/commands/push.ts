import {flag} from '../arguments/option-table.ts';
import {flagsConflict} from '../arguments/usage-error.ts';
import {defineCommand} from '../command.ts';
import {CONTENT_FLAGS, parseContentFlags} from '../options/copy.ts';
import {parseRegistryFlags, REGISTRY_FLAGS} from '../options/registry.ts';

const {platform, 'all-platforms': allPlatforms} = CONTENT_FLAGS;

/** `winch push` */
export const pushCommand = defineCommand({
  name: 'push',
  summary: 'Upload images of the store to a registry',
  description:
    'Prints the digest. Goes to the registry of the name, or to DESTINATION. Where not all platforms of an image are stored, the one that its tag chose is pushed.',
  positionals: {usage: 'IMAGE [DESTINATION]', minimum: 1, maximum: 2, images: 1},
  options: {
    platform,
    'all-platforms': allPlatforms,
    'all-tags': flag('Every tag of the repository that the store has', {short: 'a'}),
    ...REGISTRY_FLAGS,
  },
  examples: [
    ['winch push registry.example/app:1.4', 'Under its own name'],
    ['winch push app:dev registry.example/app:dev', 'Under another one'],
    ['winch push -a registry.example/app', 'All its tags'],
  ],
  handle: async ({values, positionals: [image = '', destination]}, context) => {
    const {'all-tags': isAll = false} = values;
    if (isAll && destination !== undefined) {
      throw flagsConflict('--all-tags takes one repository', 'tag the images for the other one first');
    }
    const given = {...parseContentFlags(values), ...(destination !== undefined && {destination})};
    const registry = parseRegistryFlags(values);
    const {images} = await context.openToolkit({references: [destination ?? image], registry});
    const {signal, onEvent} = context;
    const names = isAll ? await images.listPushable(image) : [image];
    const failures: unknown[] = [];
    for (const name of names) {
      try {
        context.print((await images.push(name, {...given, signal, onEvent})).digest);
      } catch (error) {
        signal.throwIfAborted();
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures.length > 1 ? new AggregateError(failures) : failures[0];
    return 0;
  },
});
