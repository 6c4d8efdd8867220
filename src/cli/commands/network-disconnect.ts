import {defineCommand} from '../command.ts';

/** `winch network disconnect` */
export const networkDisconnectCommand = defineCommand({
  name: 'network disconnect',
  summary: 'Take a container out of a network',
  positionals: {usage: 'NETWORK CONTAINER', minimum: 2, maximum: 2},
  options: {},
  examples: [['winch network disconnect shop postgres', 'The others do not find it any more']],
  handle: async ({positionals: [network = '', container = '']}, context) => {
    const {networks} = await context.openToolkit();
    await networks.disconnect(container, network, {signal: context.signal});
    return 0;
  },
});
