import {toDockerVolume} from '../../docker-json/volume.ts';
import {defineCommand} from '../command.ts';
import {FORMAT_FLAG} from '../options/image.ts';
import {VOLUMES} from '../options/volumes.ts';
import {formatValue} from '../render/format.ts';
import {safeJson} from '../render/safe-text.ts';

/** `winch volume inspect` */
export const volumeInspectCommand = defineCommand({
  name: 'volume inspect',
  summary: 'Show everything about volumes as JSON',
  description: 'An array with the fields of docker volume inspect, and the containers that mount each.',
  positionals: VOLUMES,
  options: FORMAT_FLAG,
  examples: [
    ['winch volume inspect cache', 'Everything'],
    ["winch volume inspect -f '{{.Mountpoint}}' cache", 'Where its files are'],
  ],
  handle: async ({values: {format}, positionals}, context) => {
    const {volumes} = await context.openToolkit();
    const shown = await Promise.all(positionals.map(async (name) => toDockerVolume(await volumes.inspect(name))));
    if (format === undefined || format === 'json') context.print(safeJson(shown, 2));
    else for (const volume of shown) context.print(formatValue(volume, format));
    return 0;
  },
});
