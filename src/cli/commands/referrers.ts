import {flag, text} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {FORMAT_FLAG} from '../options/image.ts';
import {parseRegistryFlags, REGISTRY_FLAGS} from '../options/registry.ts';
import {REMOTE_PLATFORM_FLAG} from '../options/remote.ts';
import {renderReferrers} from '../render/referrers.ts';

/** `winch referrers` */
export const referrersCommand = defineCommand({
  name: 'referrers',
  summary: 'List what refers to an image: signatures, SBOMs, attestations',
  positionals: {usage: 'IMAGE', minimum: 1, maximum: 1},
  options: {
    'artifact-type': text('TYPE', 'Only those of this type'),
    tree: flag('Also what refers to them, four levels deep'),
    ...REMOTE_PLATFORM_FLAG,
    ...FORMAT_FLAG,
    ...REGISTRY_FLAGS,
  },
  examples: [
    ['winch referrers ghcr.io/org/app:1.4', 'A table'],
    ['winch referrers --tree ghcr.io/org/app:1.4', 'With signatures of signatures'],
    ["winch referrers -f '{{.Digest}}' --artifact-type application/spdx+json app", 'Digests of one type'],
  ],
  handle: async ({values, positionals: [reference = '']}, context) => {
    const {platform, 'artifact-type': artifactType, tree: isDeep} = values;
    const toolkit = await context.openToolkit({references: [reference], registry: parseRegistryFlags(values)});
    const {signal, onEvent} = context;
    const options = {platform, artifactType, isDeep, signal, onEvent};
    const found = await toolkit.registries.listReferrers(reference, options);
    if (values.debug) context.remark(`referrers: listed by the ${found.source === 'api' ? 'API' : "subject's tag"}`);
    const text = renderReferrers(found, values.format);
    if (text !== '') context.print(text);
    return 0;
  },
});
