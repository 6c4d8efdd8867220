import {toDockerNetwork} from '../../docker-json/network.ts';
import {defineCommand} from '../command.ts';
import {FORMAT_FLAG} from '../options/image.ts';
import {formatValue} from '../render/format.ts';
import {safeJson} from '../render/safe-text.ts';

/** `winch network inspect` */
export const networkInspectCommand = defineCommand({
  name: 'network inspect',
  summary: 'Show everything about networks as JSON',
  description: 'An array with the fields of docker network inspect.',
  positionals: {usage: 'NETWORK...', minimum: 1},
  options: FORMAT_FLAG,
  examples: [
    ['winch network inspect shop', 'Everything'],
    ["winch network inspect -f '{{json .Containers}}' shop", 'Who is in it'],
  ],
  handle: async ({values: {format}, positionals}, context) => {
    const {networks} = await context.openToolkit();
    const shown = await Promise.all(positionals.map(async (name) => toDockerNetwork(await networks.inspect(name))));
    if (format === undefined || format === 'json') context.print(safeJson(shown, 2));
    else for (const network of shown) context.print(formatValue(network, format));
    return 0;
  },
});
