import {flag} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {parseRegistryFlags, REGISTRY_FLAGS} from '../options/registry.ts';
import {safeText} from '../render/safe-text.ts';

/** `winch manifest delete` */
export const manifestDeleteCommand = defineCommand({
  name: 'manifest delete',
  summary: 'Delete a manifest or index at its registry, with all its tags',
  description:
    'A tag stands for the digest that it leads to, and every other tag of that digest goes as well. What an index names ' +
    'stays. Prints the digest that was deleted.',
  positionals: {usage: 'IMAGE', minimum: 1, maximum: 1},
  options: {
    'tag-only': flag('Take away this tag alone, where the registry can do that; prints the name'),
    ...REGISTRY_FLAGS,
  },
  examples: [
    ['winch manifest delete registry.example/app:old', 'What the tag leads to'],
    ['winch manifest delete --tag-only registry.example/app:old', 'The tag'],
  ],
  handle: async ({values, positionals: [reference = '']}, context) => {
    const toolkit = await context.openToolkit({references: [reference], registry: parseRegistryFlags(values)});
    const {signal, onEvent} = context;
    const options = {tagOnly: values['tag-only'], signal, onEvent};
    const deleted = await toolkit.registries.deleteManifest(reference, options);
    context.print(deleted.digest ?? safeText(deleted.reference));
    return 0;
  },
});
