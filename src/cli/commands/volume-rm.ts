import {flag} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {eachContainer} from '../each-container.ts';
import {VOLUMES} from '../options/volumes.ts';

/** `winch volume rm` */
export const volumeRmCommand = defineCommand({
  name: 'volume rm',
  summary: 'Remove volumes with their files',
  description: 'A volume stays as long as a container mounts it, running or not.',
  positionals: VOLUMES,
  options: {force: flag('One that is not there is no failure', {short: 'f'})},
  examples: [['winch volume rm cache', 'One that no container mounts']],
  handle: async ({values, positionals}, context) => {
    await context.becomeRootOfStore();
    const {volumes} = await context.openToolkit();
    const options = {force: values.force, signal: context.signal};
    await eachContainer(positionals, context, (name) => volumes.remove(name, options));
    return 0;
  },
});
