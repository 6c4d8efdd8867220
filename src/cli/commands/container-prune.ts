import {flag, list} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {parsePruneFilters} from '../options/prune-filter.ts';
import {humanBytes} from '../render/human.ts';

/** `winch container prune` */
export const containerPruneCommand = defineCommand({
  name: 'container prune',
  summary: 'Remove all containers that do not run, with all that they have written',
  description: 'Nothing is asked.',
  positionals: {usage: '', minimum: 0, maximum: 0},
  options: {
    filter: list('KEY=value', 'Only those made before until=TIME or 24h, or with label=NAME[=value], or label!=…'),
    force: flag("Without effect, for docker's sake", {short: 'f'}),
  },
  examples: [
    ['winch container prune', 'All that have ended, and those that were never started'],
    ['winch container prune --filter until=24h --filter label!=keep', 'By age and label'],
  ],
  handle: async ({values}, context) => {
    const filters = parsePruneFilters(values.filter ?? [], Date.now());
    await context.becomeRootOfStore();
    const {containers} = await context.openToolkit();
    const {deleted, freedBytes} = await containers.prune({...filters, signal: context.signal});
    for (const id of deleted) context.print(`Deleted: ${id}`);
    context.print(`Total reclaimed space: ${humanBytes(freedBytes)}`);
    return 0;
  },
});
