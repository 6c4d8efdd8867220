import {choice, flag, list} from '../arguments/option-table.ts';
import {flagInvalid} from '../arguments/usage-error.ts';
import {defineCommand} from '../command.ts';
import {parsePruneFilters} from '../options/prune-filter.ts';
import {humanBytes} from '../render/human.ts';
import {safeJson, safeText} from '../render/safe-text.ts';

/** `winch volume prune` */
export const volumePruneCommand = defineCommand({
  name: 'volume prune',
  summary: 'Remove the volumes that no container mounts',
  description: 'Those without a name of their own; with --all the others as well. Nothing is asked.',
  positionals: {usage: '', minimum: 0, maximum: 0},
  options: {
    all: flag('Remove volumes with a name as well', {short: 'a'}),
    filter: list('KEY=value', 'Only volumes with label=NAME[=value], or without (label!=…)'),
    force: flag('Changes nothing: nothing is asked', {short: 'f'}),
    format: choice(['json'], 'Print JSON'),
  },
  examples: [
    ['winch volume prune', 'What removed containers have left'],
    ['winch volume prune --all --filter label!=keep', 'All that are not labelled'],
  ],
  handle: async ({values}, context) => {
    const {createdBefore, labels} = parsePruneFilters(values.filter ?? [], Date.now());
    if (createdBefore !== undefined) {
      throw flagInvalid('--filter', 'volumes are not filtered by time', '--filter label=NAME or label!=NAME');
    }
    await context.becomeRootOfStore();
    const {volumes} = await context.openToolkit();
    const pruned = await volumes.prune({all: values.all, labels, signal: context.signal});
    if (values.format === 'json') {
      context.print(safeJson(pruned, 2));
      return 0;
    }
    for (const name of pruned.removed) context.print(`Deleted: ${safeText(name)}`);
    context.print(`Total reclaimed space: ${humanBytes(pruned.freedBytes)}`);
    return 0;
  },
});
