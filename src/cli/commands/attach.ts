import {flag} from '../arguments/option-table.ts';
import {attachStreams} from '../attach-streams.ts';
import {defineCommand} from '../command.ts';
import {EXIT_RUN_FAILED} from '../exit-codes.ts';
import {ATTACH_FLAGS, parseAttach} from '../options/attach.ts';

/** `winch attach` */
export const attachCommand = defineCommand({
  name: 'attach',
  summary: 'Connect to the standard streams of a container in the background',
  description:
    'Shows what it prints from now on, and ends with its exit code. Leaving it does not end it; a slow reader does not ' +
    'slow it down. Standard input reaches containers that were made with --interactive.',
  positionals: {usage: 'CONTAINER', minimum: 1, maximum: 1, areContainers: true},
  options: {'no-stdin': flag('Do not pass on standard input'), ...ATTACH_FLAGS},
  failureExitCode: EXIT_RUN_FAILED,
  examples: [
    ['winch attach shell', 'Ctrl-P Ctrl-Q leaves one with a terminal'],
    ['winch attach --no-stdin --sig-proxy=false build', 'Only look: Ctrl-C leaves it'],
  ],
  handle: async ({values, positionals: [container = '']}, context) => {
    const settings = parseAttach(values, {readsInput: !values['no-stdin']});
    const {containers} = await context.openToolkit();
    await using attachment = await containers.attach(container, {signal: context.signal});
    return await attachStreams(attachment, settings, context);
  },
});
