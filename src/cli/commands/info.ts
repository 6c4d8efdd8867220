import {isListenedOn} from '../../http-server/unix-sockets.ts';
import {defineCommand} from '../command.ts';
import type {Environment} from '../environment.ts';
import {FORMAT_FLAG} from '../options/image.ts';
import {defaultSocket} from '../options/listen.ts';
import {formatValue} from '../render/format.ts';
import {type EngineApiPlace, renderInfo} from '../render/info.ts';
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
    const info = {version: readVersion(), ...(await toolkit.info()), engineApi: findEngineApi(context.environment)};
    context.print(values.format === undefined ? renderInfo(info) : formatValue(info, values.format));
    return 0;
  },
});

/** Where `winch serve` listens unless told otherwise. */
function findEngineApi(environment: Environment): EngineApiPlace {
  const path = defaultSocket(environment);
  return {host: `unix://${path}`, isServed: isListenedOn(path)};
}
