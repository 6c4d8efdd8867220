import {choice, flag, list} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {FORMAT_FLAG} from '../options/image.ts';
import {parseRegistryFlags, REGISTRY_FLAGS} from '../options/registry.ts';
import {LIST_FLAGS, parseLimit} from '../options/remote.ts';
import {renderNames} from '../render/names.ts';

/** `winch tags` */
export const tagsCommand = defineCommand({
  name: 'tags',
  summary: 'List the tags of a repository at its registry',
  description:
    'A pattern is a glob, or semver: and a range of versions; a tag with a suffix (1.2-alpine) counts as a prerelease, ' +
    'which a range holds only when it names one.',
  positionals: {usage: 'REPOSITORY', minimum: 1, maximum: 1},
  options: {
    filter: list('PATTERN', 'Only tags that one of these patterns matches', {aliases: ['include']}),
    exclude: list('PATTERN', 'No tags that one of these patterns matches'),
    'omit-digest-tags': flag('No tags that are made from digests (signatures, lists of referrers)'),
    sort: choice(['none', 'name', 'semver'], 'The order: of the registry, of names, or of versions', {
      defaultsTo: 'none',
    }),
    reverse: flag('The other way round', {short: 'r'}),
    ...LIST_FLAGS,
    ...FORMAT_FLAG,
    ...REGISTRY_FLAGS,
  },
  examples: [
    ['winch tags alpine', 'All'],
    ["winch tags --filter 'semver:>=20 <23' --sort semver -r node", 'Versions, newest first'],
    ["winch tags --filter '3.*' --exclude '*-rc*' --limit 5 python", 'By glob'],
  ],
  handle: async ({values, positionals: [repository = '']}, context) => {
    const {filter: include, exclude, sort, reverse: isReversed, last, 'omit-digest-tags': omitDigestTags} = values;
    const limit = parseLimit(values.limit);
    const toolkit = await context.openToolkit({references: [repository], registry: parseRegistryFlags(values)});
    const {signal, onEvent} = context;
    const options = {include, exclude, sort, isReversed, last, omitDigestTags, limit, signal, onEvent};
    const found = await toolkit.registries.listTags(repository, options);
    const text = renderNames({field: 'Tag', names: found.tags, data: found}, values.format);
    if (text !== '') context.print(text);
    return 0;
  },
});
