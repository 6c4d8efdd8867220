import {VOLUME_DRIVER} from '../../docker-json/volume-driver.ts';
import {choice, list} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {parseKeyValues} from '../options/key-value.ts';
import {parseVolumeDevice} from '../options/volume-device.ts';

/** `winch volume create` */
export const volumeCreateCommand = defineCommand({
  name: 'volume create',
  summary: 'Make a volume, and print its name',
  description:
    'Files that containers share and that outlive them: run -v NAME:/path mounts it, and makes it where it is missing. ' +
    'One that is there already stays as it is. With --opt it is a mount (nfs, tmpfs, a disk, a directory) that each ' +
    'container gets for itself as it starts, and that goes with it; nothing of an image is copied there.',
  positionals: {usage: '[NAME]', minimum: 0, maximum: 1},
  options: {
    label: list('KEY=value', 'Label it', {short: 'l'}),
    driver: choice([VOLUME_DRIVER], 'What keeps it: this machine', {short: 'd'}),
    opt: list('KEY=value', 'What containers mount in its place: type, device and o, as of mount(8)', {short: 'o'}),
  },
  examples: [
    ['winch volume create cache', 'One with a name'],
    ['winch volume create --label team=web assets', 'With a label'],
    ['winch volume create -o type=tmpfs -o o=size=64m scratch', 'Memory, empty for each container'],
    ['winch volume create -o type=nfs -o device=:/share -o o=addr=10.0.0.7,ro share', 'Of a server'],
  ],
  handle: async ({values, positionals: [name]}, context) => {
    const labels = parseKeyValues('--label', values.label ?? [], {allowBareKey: true});
    const {volumes} = await context.openToolkit();
    const mounts = parseVolumeDevice('--opt', values.opt ?? []);
    const volume = await volumes.create({name, labels, mounts}, {signal: context.signal});
    context.print(volume.name);
    return 0;
  },
});
