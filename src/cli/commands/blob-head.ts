import {defineCommand} from '../command.ts';
import {FORMAT_FLAG} from '../options/image.ts';
import {parseRegistryFlags, REGISTRY_FLAGS} from '../options/registry.ts';
import {renderBlob} from '../render/remote-lists.ts';

/** `winch blob head` */
export const blobHeadCommand = defineCommand({
  name: 'blob head',
  summary: 'Tell whether a repository has a blob, and its size',
  positionals: {usage: 'REPOSITORY@DIGEST', minimum: 1, maximum: 1},
  options: {...FORMAT_FLAG, ...REGISTRY_FLAGS},
  examples: [
    ['winch blob head alpine@sha256:…', 'Exit code 4: it is not there'],
    ["winch blob head -f '{{.Bytes}}' alpine@sha256:…", 'Its size in bytes'],
  ],
  handle: async ({values, positionals: [reference = '']}, context) => {
    const toolkit = await context.openToolkit({references: [reference], registry: parseRegistryFlags(values)});
    const {signal, onEvent} = context;
    context.print(renderBlob(await toolkit.registries.headBlob(reference, {signal, onEvent}), values.format));
    return 0;
  },
});
