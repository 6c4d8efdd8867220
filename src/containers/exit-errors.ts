import {WinchError} from '../errors.ts';

/** What the runtime reports when the command itself is at fault; its messages are all it gives. */
const NOT_FOUND = /executable file not found|no such file or directory/;
const NOT_EXECUTABLE = /permission denied|exec format error|is a directory/;

/** The error for a container that its runtime could not start. */
export function startError(runtime: string, failure: string): WinchError {
  const isExec = failure.includes('exec: "') || failure.includes('exec /') || failure.includes('exec user process');
  if (isExec && NOT_FOUND.test(failure)) return commandError('COMMAND_NOT_FOUND', failure);
  if (isExec && NOT_EXECUTABLE.test(failure)) return commandError('COMMAND_NOT_EXECUTABLE', failure);
  return new WinchError('RUNTIME_FAILED', `${runtime} could not run the container: ${failure}`, {kind: 'runtime'});
}

const commandError = (code: string, failure: string): WinchError =>
  new WinchError(code, `the container's command cannot be started: ${failure}`, {kind: 'runtime'});
