import {flag, list} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {parsePruneFilters} from '../options/prune-filter.ts';
import {safeText} from '../render/safe-text.ts';

/** `winch network prune` */
export const networkPruneCommand = defineCommand({
  name: 'network prune',
  summary: 'Remove the networks that no container has',
  description: 'Prints their names. Nothing is asked.',
  positionals: {usage: '', minimum: 0, maximum: 0},
  options: {
    filter: list('KEY=value', 'Only networks with label=NAME[=value], or without (label!=…), or made until=MOMENT'),
    force: flag('Changes nothing: nothing is asked', {short: 'f'}),
  },
  examples: [
    ['winch network prune', 'What nobody uses'],
    ['winch network prune --filter label=ci --filter until=24h', 'Of these what is older than a day'],
  ],
  handle: async ({values}, context) => {
    const filter = parsePruneFilters(values.filter ?? [], Date.now());
    const {networks} = await context.openToolkit();
    for (const name of await networks.prune({...filter, signal: context.signal})) context.print(safeText(name));
    return 0;
  },
});
