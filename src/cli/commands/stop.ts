import {defineCommand} from '../command.ts';
import {eachContainer} from '../each-container.ts';
import {CONTAINERS} from '../options/containers.ts';
import {parseStopTime, STOP_FLAGS} from '../options/stop.ts';

/** `winch stop` */
export const stopCommand = defineCommand({
  name: 'stop',
  summary: 'Ask containers to end, and kill those that do not',
  description: 'Sends the stop signal of the container or its image, and SIGKILL when the time is over.',
  positionals: CONTAINERS,
  options: STOP_FLAGS,
  examples: [['winch stop -t 30 web db', 'With half a minute for both']],
  handle: async ({values, positionals}, context) => {
    const {signal, onEvent} = context;
    const options = {timeoutSeconds: parseStopTime(values), signal, onEvent};
    const {containers} = await context.openToolkit();
    await eachContainer(positionals, context, (container) => containers.stop(container, options));
    return 0;
  },
});
