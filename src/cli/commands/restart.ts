import {defineCommand} from '../command.ts';
import {eachContainer} from '../each-container.ts';
import {EXIT_RUN_FAILED} from '../exit-codes.ts';
import {CONTAINERS} from '../options/containers.ts';
import {parseStopTime, STOP_FLAGS} from '../options/stop.ts';

/** `winch restart` */
export const restartCommand = defineCommand({
  name: 'restart',
  summary: 'Stop containers and start them again',
  description: 'Those that do not run are started. What a container has written is kept.',
  positionals: CONTAINERS,
  options: STOP_FLAGS,
  failureExitCode: EXIT_RUN_FAILED,
  examples: [['winch restart -t 30 web', 'With half a minute to end']],
  handle: async ({values, positionals}, context) => {
    const {signal, onEvent} = context;
    const options = {timeoutSeconds: parseStopTime(values), signal, onEvent};
    const {containers} = await context.openToolkit();
    await eachContainer(positionals, context, (container) => containers.restart(container, options));
    return 0;
  },
});
