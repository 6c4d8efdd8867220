import {defineCommand} from '../command.ts';
import {FORMAT_FLAG} from '../options/image.ts';
import {formatValue} from '../render/format.ts';
import {renderInfo} from '../render/info.ts';
import {readVersion} from '../version.ts';

/** `winch info` */
export const infoCommand = defineCommand({
  name: 'info',
  summary: 'Show the store and what this machine can do',
  positionals: {usage: '', minimum: 0, maximum: 0},
  options: FORMAT_FLAG,
  examples: [
    ['winch info', 'For reading'],
    ["winch info -f '{{.snapshotter.usable}}'", 'Whether this machine can mount images'],
  ],
  handle: async ({values}, context) => {
    const toolkit = await context.openToolkit();
    const info = {version: readVersion(), ...(await toolkit.info())};
    context.print(values.format === undefined ? renderInfo(info) : formatValue(info, values.format));
    return 0;
  },
});
