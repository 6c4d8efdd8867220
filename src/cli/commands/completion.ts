import {WinchError} from '../../errors.ts';
import {quote} from '../arguments/usage-error.ts';
import {defineCommand} from '../command.ts';
import {COMPLETION_SCRIPTS, isShell} from '../completion/scripts.ts';

/** `winch completion` */
export const completionCommand = defineCommand({
  name: 'completion',
  summary: 'Print a completion script for bash, zsh or fish',
  positionals: {usage: 'bash|zsh|fish', minimum: 1, maximum: 1},
  options: {},
  examples: [
    ['winch completion bash > /etc/bash_completion.d/winch', 'For every bash of this machine'],
    ['source <(winch completion zsh)', 'For this zsh'],
    ['winch completion fish > ~/.config/fish/completions/winch.fish', 'For your fish'],
  ],
  handle: async ({positionals: [shell = '']}, context) => {
    if (!isShell(shell)) {
      throw new WinchError('ARGUMENTS_INVALID', `there is no completion for ${quote(shell)}`, {
        kind: 'invalid',
        hint: 'write bash, zsh or fish',
      });
    }
    context.print(COMPLETION_SCRIPTS[shell]);
    return 0;
  },
});
