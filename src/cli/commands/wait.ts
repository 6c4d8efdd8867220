import {choice} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {eachContainer} from '../each-container.ts';
import {CONTAINERS} from '../options/containers.ts';

/** `stopped` and `exited` are what podman calls `not-running`. */
const CONDITIONS = [
  'not-running',
  'stopped',
  'exited',
  'next-exit',
  'removed',
  'running',
  'paused',
  'healthy',
  'unhealthy',
] as const;

/** `winch wait` */
export const waitCommand = defineCommand({
  name: 'wait',
  summary: 'Wait until containers end, and print their exit codes',
  description:
    'Prints 255 for a container whose end nobody saw, since the machine was restarted or conmon was killed, and -1 for a ' +
    'condition that is no end.',
  positionals: CONTAINERS,
  options: {
    condition: choice(CONDITIONS, 'Wait for this instead', {defaultsTo: 'not-running'}),
  },
  examples: [
    ['winch wait job', 'One code a line'],
    ['winch wait --condition healthy web', 'Until a check finds that it does its work'],
  ],
  handle: async ({values, positionals}, context) => {
    const {condition} = values;
    const {containers} = await context.openToolkit();
    const wanted = condition === 'stopped' || condition === 'exited' ? 'not-running' : condition;
    const options = {condition: wanted, signal: context.signal};
    await eachContainer(positionals, context, (container) => containers.wait(container, options));
    return 0;
  },
});
