import {list} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {FORMAT_FLAG} from '../options/image.ts';
import {parseRegistryFlags, REGISTRY_FLAGS} from '../options/registry.ts';
import {LIST_FLAGS, parseLimit} from '../options/remote.ts';
import {renderNames} from '../render/names.ts';

/** `winch catalog` */
export const catalogCommand = defineCommand({
  name: 'catalog',
  summary: 'List the repositories of a registry',
  description: 'Docker Hub and most other public registries have no such list.',
  positionals: {usage: 'REGISTRY', minimum: 1, maximum: 1},
  options: {
    filter: list('PATTERN', 'Only repositories that one of these globs matches'),
    ...LIST_FLAGS,
    ...FORMAT_FLAG,
    ...REGISTRY_FLAGS,
  },
  examples: [
    ['winch catalog localhost:5000', 'All'],
    ["winch catalog --filter 'team/*' registry.example", 'By glob'],
  ],
  handle: async ({values, positionals: [registry = '']}, context) => {
    const limit = parseLimit(values.limit);
    const references = [`${registry}/catalog`];
    const toolkit = await context.openToolkit({references, registry: parseRegistryFlags(values)});
    const {signal, onEvent} = context;
    const options = {include: values.filter, last: values.last, limit, signal, onEvent};
    const found = await toolkit.registries.listRepositories(registry, options);
    const text = renderNames({field: 'Repository', names: found.repositories, data: found}, values.format);
    if (text !== '') context.print(text);
    return 0;
  },
});
