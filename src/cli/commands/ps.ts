import {createContainerSelection} from '../../containers/kept/container-filter.ts';
import {flag, list, text} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {FORMAT_FLAG, NO_TRUNC_FLAG} from '../options/image.ts';
import {parseKeyFilters} from '../options/key-filter.ts';
import {parseInteger} from '../options/number.ts';
import {renderContainers} from '../render/containers.ts';

/** `winch ps` */
export const psCommand = defineCommand({
  name: 'ps',
  summary: 'List containers',
  description: 'Those that run, also the runs in the foreground of other terminals.',
  positionals: {usage: '', minimum: 0, maximum: 0},
  options: {
    all: flag('Show those as well that do not run', {short: 'a'}),
    filter: list(
      'KEY=value',
      'name, id, status, exited, health, label, ancestor (an image), before, since, volume, network, publish or expose',
    ),
    last: text('NUMBER', 'The latest ones, whether they run or not', {short: 'n'}),
    latest: flag('The latest one, as --last 1', {short: 'l'}),
    size: flag('Measure what each has written', {short: 's'}),
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
    const {filter = [], all, size, format} = values;
    const select = createContainerSelection({
      filters: parseKeyFilters(filter),
      all: all ?? false,
      most: parseMost(values),
    });
    if (size) await context.becomeRootOfStore();
    const {containers} = await context.openToolkit();
    const found = await containers.list({size, signal: context.signal, onEvent: context.onEvent});
    const view = {format, idsOnly: values.quiet ?? false, isFull: values['no-trunc'] ?? false, now: new Date()};
    const table = renderContainers(select(found), view);
    if (table !== '') context.print(table);
    return 0;
  },
});

/** @returns undefined: all. */
function parseMost({last, latest}: {readonly last?: string; readonly latest?: boolean}): number | undefined {
  if (last !== undefined) return parseInteger('--last', last, {minimum: 1});
  return latest ? 1 : undefined;
}
