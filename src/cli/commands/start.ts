import {flag} from '../arguments/option-table.ts';
import {flagsConflict} from '../arguments/usage-error.ts';
import {attachStreams} from '../attach-streams.ts';
import {defineCommand} from '../command.ts';
import {eachContainer} from '../each-container.ts';
import {EXIT_RUN_FAILED} from '../exit-codes.ts';
import {ATTACH_FLAGS, parseAttach} from '../options/attach.ts';
import {CONTAINERS} from '../options/containers.ts';

/** `winch start` */
export const startCommand = defineCommand({
  name: 'start',
  summary: 'Start containers, which then run in the background',
  description:
    'A container is named by its name, its id, or the first digits of its id. With --attach it ends with the exit code of ' +
    'the container.',
  positionals: CONTAINERS,
  options: {
    attach: flag('Show what it prints until it ends', {short: 'a'}),
    interactive: flag('With --attach, which it implies: pass on standard input', {short: 'i'}),
    ...ATTACH_FLAGS,
  },
  failureExitCode: EXIT_RUN_FAILED,
  examples: [
    ['winch start web db', 'Two of them'],
    ['winch start -ai shell', 'As winch run -it; Ctrl-P Ctrl-Q leaves it running'],
  ],
  handle: async ({values, positionals}, context) => {
    const {signal, onEvent} = context;
    const isAttached = values.attach || values.interactive;
    if (isAttached && positionals.length > 1) throw flagsConflict('--attach is about one container', 'name one');
    const settings = parseAttach(values, {readsInput: values.interactive ?? false});
    const {containers} = await context.openToolkit();
    if (isAttached) {
      const [container = ''] = positionals;
      await using attachment = await containers.attach(container, {start: true, signal, onEvent});
      return await attachStreams(attachment, settings, context);
    }
    await eachContainer(positionals, context, (container) => containers.start(container, {signal, onEvent}));
    return 0;
  },
});
