import {defineCommand} from '../command.ts';
import {FORMAT_FLAG} from '../options/image.ts';
import {formatValue} from '../render/format.ts';
import {readVersion} from '../version.ts';

/** `winch version` */
export const versionCommand = defineCommand({
  name: 'version',
  summary: 'Show the versions of winch and of what it runs on',
  positionals: {usage: '', minimum: 0, maximum: 0},
  options: FORMAT_FLAG,
  examples: [["winch version -f '{{.winch}}'", 'The version alone']],
  handle: async ({values}, context) => {
    const versions = {
      winch: readVersion(),
      node: process.versions.node,
      platform: `${process.platform}/${process.arch}`,
    };
    const lines = Object.entries(versions).map(([name, version]) => `${name}: ${version}`);
    context.print(values.format === undefined ? lines.join('\n') : formatValue(versions, values.format));
    return 0;
  },
});
