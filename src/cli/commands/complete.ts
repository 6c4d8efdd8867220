import type {Toolkit} from '../../toolkit.ts';
import {loadCommands} from '../catalogue.ts';
import {defineCommand} from '../command.ts';
import {complete} from '../completion/complete.ts';

const SHORT_ID = 12;

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
    const listContainers = async () => containersOf(await context.openToolkit());
    const listVolumes = async () => volumesOf(await context.openToolkit());
    const source = {commands: await loadCommands(), listReferences, listContainers, listVolumes};
    const candidates = await complete(positionals, source);
    if (candidates.length > 0) context.print(candidates.join('\n'));
    return 0;
  },
});

const volumesOf = async ({volumes}: Toolkit): Promise<readonly string[]> =>
  (await volumes.list()).map(({name}) => name);

async function containersOf(toolkit: Toolkit): Promise<readonly string[]> {
  const containers = await toolkit.containers.list();
  return containers.map(({id, name}) => name ?? id.slice(0, SHORT_ID));
}

async function referencesOf(toolkit: Toolkit): Promise<readonly string[]> {
  const images = await toolkit.images.list();
  return images.flatMap(({reference, isChosen}) => (reference === null || !isChosen ? [] : [reference]));
}
