import {flag, list, text} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {EXIT_RUN_FAILED} from '../exit-codes.ts';
import {readEnvironmentVariables} from '../options/environment-variables.ts';
import {requireTerminal} from '../options/process.ts';

/** `winch exec` */
export const execCommand = defineCommand({
  name: 'exec',
  summary: 'Run a further command in a running container',
  description:
    "Ends with the command's own exit code; 125 when winch failed, 126 and 127 when the command did not start. Also works " +
    'on what winch run has in the foreground of another terminal.',
  positionals: {usage: 'CONTAINER COMMAND [ARGUMENT...]', minimum: 2, areContainers: true, maximumContainers: 1},
  options: {
    interactive: flag('Connect standard input', {short: 'i'}),
    tty: flag('Give it a terminal', {short: 't'}),
    detach: flag('Leave it running in the background, connected to nothing', {short: 'd'}),
    env: list('NAME=value', "Set a variable; NAME alone passes on winch's own", {short: 'e'}),
    'env-file': list('FILE', 'Set variables from lines of NAME=value'),
    user: text('USER[:GROUP]', 'Run as this user; names or numbers', {short: 'u'}),
    workdir: text('DIR', 'Working directory inside the container', {short: 'w'}),
    privileged: flag("All capabilities; the container's system call filter stays"),
  },
  stopsAtPositional: true,
  failureExitCode: EXIT_RUN_FAILED,
  examples: [
    ['winch exec -it web sh', 'A shell'],
    ['winch exec -u postgres -w /tmp db psql -c "select 1"', 'As another user, elsewhere'],
    ['winch exec -i db psql < dump.sql', 'With standard input'],
    ['winch exec -d web touch /ready', 'In the background; with -t on a terminal that nobody sees'],
  ],
  handle: async ({values, positionals: [container = '', ...command]}, context) => {
    const {interactive, detach, tty: terminal, privileged, user, workdir, env = [], 'env-file': envFiles = []} = values;
    if (!detach) requireTerminal(values, context.environment);
    const environment = readEnvironmentVariables({env, envFiles}, context.environment);
    const {containers} = await context.openToolkit();
    await context.becomeRootOf(async () => (await containers.inspect(container)).pid);
    const request = {
      command,
      environment,
      interactive,
      detach,
      privileged,
      user,
      workingDirectory: workdir,
      terminal: terminal ?? false,
    };
    return await containers.exec(container, request, {signal: context.signal, onEvent: context.onEvent});
  },
});
