import {resolve} from 'node:path';
import {defineCommand} from '../command.ts';

/** `winch volume import` */
export const volumeImportCommand = defineCommand({
  name: 'volume import',
  summary: 'Put the files of a tar into a volume',
  description:
    'Directories that are there are merged, files are replaced. Owners and modes are those of the tar, which may be packed.',
  positionals: {usage: 'VOLUME FILE|-', minimum: 2, maximum: 2, areVolumes: true},
  options: {},
  examples: [
    ['winch volume create data && winch volume import data data.tar', 'From a file'],
    ['tar c -C site . | winch volume import data -', 'From standard input'],
  ],
  handle: async ({positionals: [name = '', file = '']}, context) => {
    const {environment, signal, onEvent} = context;
    await context.becomeRoot();
    const isPiped = file === '-';
    const tar = isPiped ? environment.openStandardInput(signal) : resolve(environment.workingDirectory(), file);
    const {volumes} = await context.openToolkit();
    await volumes.import(name, tar, {signal, onEvent});
    return 0;
  },
});
