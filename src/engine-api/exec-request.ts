import type {ExecSessionRequest} from '../containers/kept/exec-session.ts';
import {WinchError} from '../errors.ts';
import type {TerminalSize} from '../host/terminal-size.ts';
import {definedMembers} from '../oci/defined-members.ts';
import {type BodyFields, readFields} from './body-fields.ts';
import {parseDetachKeys, type StreamWishes} from './converse.ts';

/** What an exec was made with. */
export interface ExecPlan {
  readonly request: ExecSessionRequest;
  readonly wishes: Omit<StreamWishes, 'isFramed'>;
  /** None: the request has named none, and docker's own leave its terminal. */
  readonly namedDetachKeys: Uint8Array;
}

const STREAMS = ['AttachStdin', 'AttachStdout', 'AttachStderr'];

/**
 * What the body of a request for an exec asks for.
 *
 * @throws {WinchError} `BODY_INVALID` | `DETACH_KEYS_INVALID`
 * @see Engine API v1.51, ContainerExec
 */
export function readExecRequest(body: unknown): ExecPlan {
  const config = readFields(body ?? {});
  const command = config.words('Cmd') ?? [];
  if (command.length === 0) throw new WinchError('BODY_INVALID', 'the body names no Cmd', {kind: 'invalid'});
  const [stdin = false, stdout = false, stderr = false] = STREAMS.map((name) => config.flag(name));
  const keyWords = config.text('DetachKeys');
  const detachKeys = parseDetachKeys(keyWords);
  return {
    request: definedMembers({
      command,
      environment: config.texts('Env'),
      workingDirectory: config.text('WorkingDir') || undefined,
      user: config.text('User') || undefined,
      privileged: config.flag('Privileged'),
      terminal: config.flag('Tty'),
      interactive: stdin,
      terminalSize: readConsoleSize(config),
    }),
    wishes: {stdin, stdout, stderr, detachKeys},
    namedDetachKeys: keyWords ? detachKeys : new Uint8Array(),
  };
}

/** Rows, then columns. */
export function readConsoleSize(fields: BodyFields): TerminalSize | undefined {
  const [rows, columns] = fields.numbers('ConsoleSize') ?? [];
  return rows && columns ? {rows, columns} : undefined;
}
