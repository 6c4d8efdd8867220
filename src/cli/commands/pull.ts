import {defineCommand} from '../command.ts';
import {PULL_FLAGS, parsePullFlags} from '../options/pull.ts';
import {parseRegistryFlags, REGISTRY_FLAGS} from '../options/registry.ts';

/** `winch pull` */
export const pullCommand = defineCommand({
  name: 'pull',
  summary: 'Download images into the store',
  description: 'Prints the digest of each. What the store has already is not downloaded again.',
  positionals: {usage: 'IMAGE...', minimum: 1},
  options: {...PULL_FLAGS, ...REGISTRY_FLAGS},
  examples: [
    ['winch pull alpine', 'From Docker Hub, the tag "latest"'],
    ['winch pull ghcr.io/org/app:1.4 alpine:3.20', 'Several, from any registry'],
    ['winch pull --platform linux/arm64 node:22', 'For another platform'],
    ['winch pull --progress json -q alpine', 'For scripts: JSON lines on standard error'],
  ],
  handle: async ({values, positionals}, context) => {
    const toolkit = await context.openToolkit({references: positionals, registry: parseRegistryFlags(values)});
    const {signal, onEvent} = context;
    const options = {...parsePullFlags(values), signal, onEvent};
    for (const reference of positionals) {
      const {digest} = await toolkit.images.pull(reference, options);
      context.print(digest);
    }
    return 0;
  },
});
