import {text} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {readInputFile} from '../options/input-file.ts';
import {parseRegistryFlags, REGISTRY_FLAGS} from '../options/registry.ts';

const LIMIT_BYTES = 4 * 1024 * 1024;

/** `winch manifest put` */
export const manifestPutCommand = defineCommand({
  name: 'manifest put',
  summary: 'Store a manifest or index at a registry',
  description: 'Byte for byte; what it names has to be there before. Prints its digest.',
  positionals: {usage: 'IMAGE FILE|-', minimum: 2, maximum: 2},
  options: {
    'media-type': text('TYPE', 'What the document is', {defaultsTo: 'what it says itself'}),
    ...REGISTRY_FLAGS,
  },
  examples: [
    ['winch manifest put registry.example/app:1.0 manifest.json', 'Under a tag'],
    ['winch manifest get app:1 | winch manifest put app:stable -', 'One more tag for an image'],
  ],
  handle: async ({values, positionals: [reference = '', file = '']}, context) => {
    const bytes = await readInputFile(file, LIMIT_BYTES, context);
    const toolkit = await context.openToolkit({references: [reference], registry: parseRegistryFlags(values)});
    const {signal, onEvent} = context;
    const options = {mediaType: values['media-type'], signal, onEvent};
    context.print((await toolkit.registries.putManifest({reference, bytes}, options)).digest);
    return 0;
  },
});
