import {flag, list} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {parseContainerFilter} from '../options/container-filter.ts';
import {FORMAT_FLAG, NO_TRUNC_FLAG} from '../options/image.ts';
import {renderContainers} from '../render/containers.ts';

/** `winch ps` */
export const psCommand = defineCommand({
  name: 'ps',
  summary: 'List containers',
  description: 'Those that run, also the runs in the foreground of other terminals.',
  positionals: {usage: '', minimum: 0, maximum: 0},
  options: {
    all: flag('Show those as well that do not run', {short: 'a'}),
    filter: list('KEY=value', 'name, id, status (created, running, paused, exited), label or ancestor (an image)'),
    ...FORMAT_FLAG,
    ...NO_TRUNC_FLAG,
    quiet: flag('Print ids only', {short: 'q'}),
  },
  examples: [
    ['winch ps -a', 'All of them'],
    ['winch ps -a --filter status=exited --filter label=ci', 'By several properties'],
    ["winch ps --format '{{.Names}} {{.Status}}'", 'By template; json prints everything'],
  ],
  handle: async ({values}, context) => {
    const {filter = [], all, format} = values;
    const isShown = parseContainerFilter(filter);
    const showsAll = all || filter.some((word) => word.startsWith('status='));
    const {containers} = await context.openToolkit();
    const found = await containers.list({signal: context.signal});
    const shown = found.filter((container) => (showsAll || container.state === 'running') && isShown(container));
    const view = {format, idsOnly: values.quiet ?? false, isFull: values['no-trunc'] ?? false, now: new Date()};
    const text = renderContainers(shown, view);
    if (text !== '') context.print(text);
    return 0;
  },
});
