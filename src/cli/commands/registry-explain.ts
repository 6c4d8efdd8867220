import {defineCommand} from '../command.ts';
import {FORMAT_FLAG} from '../options/image.ts';
import {parseRegistryFlags, REGISTRY_FLAGS} from '../options/registry.ts';
import {formatValue} from '../render/format.ts';
import {renderRegistryExplanation} from '../render/registry-explanation.ts';

/** `winch registry explain` */
export const registryExplainCommand = defineCommand({
  name: 'registry explain',
  summary: 'Show how an image would be reached, and why',
  description:
    'Which mirrors, certificates, proxy and login would be used, and which file says so. Nothing is contacted.',
  positionals: {usage: 'IMAGE', minimum: 1, maximum: 1},
  options: {...FORMAT_FLAG, ...REGISTRY_FLAGS},
  examples: [
    ['winch registry explain alpine', 'For reading'],
    ['winch registry explain -f json ghcr.io/org/app', 'For scripts'],
    ["winch registry explain -f '{{.registry}}' alpine", 'One fact'],
  ],
  handle: async ({values, positionals: [reference = '']}, context) => {
    const toolkit = await context.openToolkit({references: [reference], registry: parseRegistryFlags(values)});
    const explanation = await toolkit.registries.explain(reference, {signal: context.signal});
    const {format} = values;
    context.print(format === undefined ? renderRegistryExplanation(explanation) : formatValue(explanation, format));
    return 0;
  },
});
