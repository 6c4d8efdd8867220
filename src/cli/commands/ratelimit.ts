import {defineCommand} from '../command.ts';
import {FORMAT_FLAG} from '../options/image.ts';
import {parseRegistryFlags, REGISTRY_FLAGS} from '../options/registry.ts';
import {renderRateLimit} from '../render/remote-lists.ts';

const HUB_IMAGE = 'docker.io/ratelimitpreview/test';

/** `winch ratelimit` */
export const ratelimitCommand = defineCommand({
  name: 'ratelimit',
  summary: 'Show how many pulls a registry still grants',
  description: 'The question itself counts as none. Without an image: at Docker Hub.',
  positionals: {usage: '[IMAGE]', minimum: 0, maximum: 1},
  options: {...FORMAT_FLAG, ...REGISTRY_FLAGS},
  examples: [
    ['winch ratelimit', 'At Docker Hub, with the login for it'],
    ["winch ratelimit -f '{{.Remaining}}' registry.example/app", 'One number, for scripts'],
  ],
  handle: async ({values, positionals: [reference = HUB_IMAGE]}, context) => {
    const toolkit = await context.openToolkit({references: [reference], registry: parseRegistryFlags(values)});
    const {signal, onEvent} = context;
    context.print(renderRateLimit(await toolkit.registries.rateLimit(reference, {signal, onEvent}), values.format));
    return 0;
  },
});
