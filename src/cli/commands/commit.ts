import {definedMembers} from '../../oci/defined-members.ts';
import {flag, list, text} from '../arguments/option-table.ts';
import {becomeRootOfContainer} from '../become-root-for.ts';
import {defineCommand} from '../command.ts';

/** `winch commit` */
export const commitCommand = defineCommand({
  name: 'commit',
  summary: 'Make an image of what a container has written, and print its id',
  description:
    "A layer over the container's own image, with the settings that the container was made with. Volumes are no part of " +
    'it. A run in the foreground is a container as long as it goes on.',
  positionals: {usage: 'CONTAINER [NAME]', minimum: 1, maximum: 2, areContainers: true, maximumContainers: 1},
  options: {
    change: list('INSTRUCTION', 'Change its settings as a Dockerfile would (CMD, ENV, LABEL, USER …)', {short: 'c'}),
    message: text('TEXT', 'What the history says of it', {short: 'm'}),
    author: text('NAME', 'Who made it', {short: 'a'}),
    pause: flag('Stop the container while its files are read', {short: 'p', defaultsTo: 'true'}),
  },
  examples: [
    ['winch commit web web:patched', 'With a name'],
    ['winch commit -c \'CMD ["serve"]\' -c "LABEL from=web" -m "with plugins" web', 'With other settings'],
  ],
  handle: async ({values, positionals: [container = '', reference]}, context) => {
    const {change: changes, message, author, pause: pauses} = values;
    const {signal, onEvent} = context;
    await becomeRootOfContainer(container, context);
    const {containers} = await context.openToolkit();
    const options = definedMembers({reference, changes, message, author, pauses});
    const {imageId} = await containers.commit(container, {...options, signal, onEvent});
    context.print(imageId);
    return 0;
  },
});
