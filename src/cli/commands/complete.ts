import type {Toolkit} from '../../toolkit.ts';
import {loadCommands} from '../catalogue.ts';
import {defineCommand} from '../command.ts';
import {complete} from '../completion/complete.ts';

/** What the completion scripts ask: the last word is the one to complete. Prints one candidate a line. */
export const completeCommand = defineCommand({
  name: '__complete',
  summary: 'Answer a completion script',
  positionals: {usage: '[WORD...]', minimum: 0},
  options: {},
  examples: [],
  isHidden: true,
  stopsAtPositional: true,
  handle: async ({positionals}, context) => {
    const listReferences = async () => referencesOf(await context.openToolkit());
    const candidates = await complete(positionals, {commands: await loadCommands(), listReferences});
    if (candidates.length > 0) context.print(candidates.join('\n'));
    return 0;
  },
});

async function referencesOf(toolkit: Toolkit): Promise<readonly string[]> {
  const images = await toolkit.images.list();
  return images.flatMap(({reference, isChosen}) => (reference === null || !isChosen ? [] : [reference]));
}
