import {defineCommand} from '../command.ts';
import {EXIT_RUN_FAILED} from '../exit-codes.ts';

/** `winch healthcheck run` */
export const healthcheckRunCommand = defineCommand({
  name: 'healthcheck run',
  summary: 'Check now whether a container does its work',
  description:
    'Ends with 0 when it does, and prints unhealthy and ends with 1 when the check has failed; 125 when there is none, ' +
    'or the container does not run. Counts as the checks do that happen by themselves.',
  positionals: {usage: 'CONTAINER', minimum: 1, maximum: 1, areContainers: true},
  options: {},
  failureExitCode: EXIT_RUN_FAILED,
  examples: [
    ['winch healthcheck run web', 'Not when the next check is due, but now'],
    ["winch inspect -f '{{json .State.Health}}' web", 'What the last checks have printed'],
  ],
  handle: async ({positionals: [container = '']}, context) => {
    const {containers} = await context.openToolkit();
    await context.becomeRootOf(async () => (await containers.inspect(container)).pid);
    const {result} = await containers.checkHealth(container, {signal: context.signal});
    if (result.exitCode === 0) return 0;
    context.print('unhealthy');
    return 1;
  },
});
