import {choice, list} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {parseKeyValues} from '../options/key-value.ts';
import {VOLUME_DRIVER} from '../render/volumes.ts';

/** `winch volume create` */
export const volumeCreateCommand = defineCommand({
  name: 'volume create',
  summary: 'Make a volume, and print its name',
  description:
    'Files that containers share and that outlive them: run -v NAME:/path mounts it, and makes it where it is missing. ' +
    'One that is there already stays as it is.',
  positionals: {usage: '[NAME]', minimum: 0, maximum: 1},
  options: {
    label: list('KEY=value', 'Label it', {short: 'l'}),
    driver: choice([VOLUME_DRIVER], 'What keeps it: a directory of this machine', {short: 'd'}),
  },
  examples: [
    ['winch volume create cache', 'One with a name'],
    ['winch volume create --label team=web assets', 'With a label'],
  ],
  handle: async ({values, positionals: [name]}, context) => {
    const labels = parseKeyValues('--label', values.label ?? [], {allowBareKey: true});
    const {volumes} = await context.openToolkit();
    const volume = await volumes.create({name, labels}, {signal: context.signal});
    context.print(volume.name);
    return 0;
  },
});
