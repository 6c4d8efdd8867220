import {flag} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {FORMAT_FLAG} from '../options/image.ts';
import {parseRegistryFlags, REGISTRY_FLAGS} from '../options/registry.ts';
import {REMOTE_PLATFORM_FLAG} from '../options/remote.ts';
import {formatValue} from '../render/format.ts';

/** `winch digest` */
export const digestCommand = defineCommand({
  name: 'digest',
  summary: 'Print the digest that a name leads to at its registry',
  description: 'Of the index where there is one; downloads nothing.',
  positionals: {usage: 'IMAGE', minimum: 1, maximum: 1},
  options: {
    ...REMOTE_PLATFORM_FLAG,
    'full-ref': flag('Print repository@digest'),
    ...FORMAT_FLAG,
    ...REGISTRY_FLAGS,
  },
  examples: [
    ['winch digest alpine:3.20', 'Of the index'],
    ['winch digest --platform linux/arm64 --full-ref alpine:3.20', 'Of one manifest, as a name that never moves'],
  ],
  handle: async ({values, positionals: [reference = '']}, context) => {
    const toolkit = await context.openToolkit({references: [reference], registry: parseRegistryFlags(values)});
    const {signal, onEvent} = context;
    const options = {platform: values.platform, signal, onEvent};
    const found = await toolkit.registries.resolveDigest(reference, options);
    if (values.format !== undefined) context.print(formatValue(found, values.format));
    else context.print(values['full-ref'] ? `${found.repository}@${found.digest}` : found.digest);
    return 0;
  },
});
