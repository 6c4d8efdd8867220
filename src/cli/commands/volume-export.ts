import {flagsConflict} from '../arguments/usage-error.ts';
import {defineCommand} from '../command.ts';
import {OUTPUT_FLAG} from '../options/remote.ts';
import {writeResult} from '../output-file.ts';

/** `winch volume export` */
export const volumeExportCommand = defineCommand({
  name: 'volume export',
  summary: 'Write the files of a volume as one tar',
  positionals: {usage: 'VOLUME', minimum: 1, maximum: 1, areVolumes: true},
  options: OUTPUT_FLAG,
  examples: [
    ['winch volume export -o data.tar data', 'To a file'],
    ['winch volume export data | winch volume import copy -', 'Into another volume'],
  ],
  handle: async ({values: {output}, positionals: [name = '']}, context) => {
    if ((output === undefined || output === '-') && context.environment.stdoutIsTerminal()) {
      throw flagsConflict('a tar is nothing for a terminal', 'name a file with --output, or pipe it on');
    }
    await context.becomeRootOfStore();
    const {volumes} = await context.openToolkit();
    const {content, close} = await volumes.export(name, {signal: context.signal});
    try {
      await writeResult(context, output, content);
    } finally {
      close();
    }
    return 0;
  },
});
