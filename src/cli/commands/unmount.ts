import {resolve} from 'node:path';
import {defineCommand} from '../command.ts';
import {safeText} from '../render/safe-text.ts';

/** `winch unmount` */
export const unmountCommand = defineCommand({
  name: 'unmount',
  summary: 'Unmount the root file systems of bundles',
  description: 'Of those that winch bundle --mount-rootfs has made. What was written stays in DIR/written.',
  positionals: {usage: 'DIR...', minimum: 1},
  options: {},
  examples: [['winch unmount ./alpine && rm -r ./alpine', 'A bundle and all that was written in it']],
  handle: async ({positionals}, context) => {
    const toolkit = await context.openToolkit();
    for (const given of positionals) {
      const place = resolve(context.environment.workingDirectory(), given);
      const {directory} = await toolkit.containers.unmountBundle(place);
      context.print(safeText(directory));
    }
    return 0;
  },
});
