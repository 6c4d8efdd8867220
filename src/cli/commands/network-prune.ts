import {flag} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {safeText} from '../render/safe-text.ts';

/** `winch network prune` */
export const networkPruneCommand = defineCommand({
  name: 'network prune',
  summary: 'Remove the networks that no container has',
  description: 'Prints their names. Nothing is asked.',
  positionals: {usage: '', minimum: 0, maximum: 0},
  options: {force: flag('Changes nothing: nothing is asked', {short: 'f'})},
  examples: [['winch network prune', 'What nobody uses']],
  handle: async (_invocation, context) => {
    const {networks} = await context.openToolkit();
    for (const name of await networks.prune({signal: context.signal})) context.print(safeText(name));
    return 0;
  },
});
