import type {ContainerOptions} from '../../bundle/container-options.ts';
import {findInit} from '../../bundle/find-init.ts';
import {WinchError} from '../../errors.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {flag, grouped, list, type OptionValues, text} from '../arguments/option-table.ts';
import type {Environment} from '../environment.ts';
import {readEnvironmentVariables} from './environment-variables.ts';
import {parseKeyValues} from './key-value.ts';
import {parseLabelFile} from './label-file.ts';
import {parseStopSeconds} from './stop.ts';

/** Flags about what runs and how it sees itself. */
export const PROCESS_FLAGS = grouped('Process:', {
  env: list('NAME=value', "Set a variable; NAME alone passes on winch's own", {short: 'e'}),
  'env-file': list('FILE', 'Set variables from lines of NAME=value'),
  workdir: text('DIR', 'Working directory inside the container', {short: 'w'}),
  user: text('USER[:GROUP]', 'Run as this user; names or numbers', {short: 'u'}),
  'group-add': list('GROUP', 'Add a group'),
  entrypoint: text('COMMAND', "Replace the image's entrypoint; an empty text removes it"),
  tty: flag('Give it a terminal', {short: 't'}),
  init: flag('Run a small init as process 1 that reaps and passes on signals'),
  'init-path': text('FILE', 'The init of --init: a static executable on this machine'),
  'stop-signal': text('SIGNAL', 'What asks it to end'),
  'stop-timeout': text('SECONDS', 'How long winch stop waits for that before killing; -1: for ever'),
  annotation: list('KEY=value', 'Set an annotation of the runtime configuration'),
  label: list('KEY=value', 'Set a label', {short: 'l'}),
  'label-file': list('FILE', 'Set labels from lines of KEY=value'),
});

/** @throws {WinchError} `FLAG_INVALID` | `INIT_NOT_FOUND` */
export function parseProcess(
  values: OptionValues<typeof PROCESS_FLAGS>,
  command: readonly string[],
  environment: Environment,
): ContainerOptions {
  const {env = [], 'env-file': envFiles = [], entrypoint} = values;
  const variables = readEnvironmentVariables({env, envFiles}, environment);
  return definedMembers({
    command: command.length > 0 ? command : undefined,
    entrypoint: entrypoint === undefined ? undefined : entrypoint === '' ? [] : [entrypoint],
    environment: variables.length > 0 ? variables : undefined,
    workingDirectory: values.workdir,
    user: values.user,
    groupAdd: values['group-add'],
    terminal: values.tty,
    initPath: values.init || values['init-path'] !== undefined ? findInit(values['init-path']) : undefined,
    stopSignal: values['stop-signal'],
    stopTimeoutSeconds: parseStopSeconds('--stop-timeout', values['stop-timeout']),
    annotations: values.annotation && parseKeyValues('--annotation', values.annotation),
    labels: readLabels(values, environment),
  });
}

/** Those of the command line win. */
function readLabels({label, 'label-file': files}: OptionValues<typeof PROCESS_FLAGS>, environment: Environment) {
  if ((label ?? files) === undefined) return undefined;
  const lines = files?.flatMap((path) => parseLabelFile(path, environment)) ?? [];
  return parseKeyValues('--label', [...lines, ...(label ?? [])], {allowBareKey: true});
}

/**
 * As docker, refuses to connect something else than a terminal to one.
 *
 * @throws {WinchError} `TERMINAL_MISSING`
 */
export function requireTerminal(
  {tty, interactive}: {readonly tty?: boolean; readonly interactive?: boolean},
  {stdinIsTerminal}: Environment,
): void {
  if (!tty || !interactive || stdinIsTerminal()) return;
  throw new WinchError('TERMINAL_MISSING', 'standard input is not a terminal', {
    kind: 'invalid',
    hint: 'leave out --tty (-i alone passes a pipe or a file)',
  });
}
