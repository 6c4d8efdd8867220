import {createVolumeFilter} from '../../containers/volumes/volume-filter.ts';
import {flag, list} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {FORMAT_FLAG} from '../options/image.ts';
import {parseKeyFilters} from '../options/key-filter.ts';
import {renderVolumes} from '../render/volumes.ts';

/** `winch volume ls` */
export const volumeLsCommand = defineCommand({
  name: 'volume ls',
  summary: 'List volumes',
  positionals: {usage: '', minimum: 0, maximum: 0},
  options: {
    filter: list('KEY=value', 'name, label, driver or dangling (true: no container mounts it)'),
    ...FORMAT_FLAG,
    quiet: flag('Print names only', {short: 'q'}),
  },
  examples: [
    ['winch volume ls', 'All of them'],
    ['winch volume ls -q --filter dangling=true', 'Names of those that no container mounts'],
    ["winch volume ls --format '{{.Name}} {{.Mountpoint}}'", 'By template; json prints everything'],
  ],
  handle: async ({values}, context) => {
    const isShown = createVolumeFilter(parseKeyFilters(values.filter ?? []));
    const {volumes} = await context.openToolkit();
    const shown = (await volumes.list({signal: context.signal})).filter(isShown);
    const text = renderVolumes(shown, {format: values.format, namesOnly: values.quiet ?? false});
    if (text !== '') context.print(text);
    return 0;
  },
});
