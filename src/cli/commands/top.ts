import {defineCommand} from '../command.ts';
import {FORMAT_FLAG} from '../options/image.ts';
import {renderProcesses} from '../render/processes.ts';

/** `winch top` */
export const topCommand = defineCommand({
  name: 'top',
  summary: 'List the processes of a running container',
  description: 'As ps -ef of this machine shows them. Nothing is run in the container.',
  positionals: {usage: 'CONTAINER', minimum: 1, maximum: 1, areContainers: true},
  options: FORMAT_FLAG,
  examples: [
    ['winch top web', 'A table'],
    ["winch top --format '{{.PID}} {{.CMD}}' web", 'By template; json prints everything'],
  ],
  handle: async ({values, positionals: [container = '']}, context) => {
    const {containers} = await context.openToolkit();
    const text = renderProcesses(await containers.top(container), {format: values.format, now: new Date()});
    if (text !== '') context.print(text);
    return 0;
  },
});
