import {WinchError} from '../errors.ts';

/**
 * The runtime connects the container's terminal to this process's own.
 *
 * @throws {WinchError} `TERMINAL_MISSING`
 */
export async function requireTerminal(): Promise<void> {
  // Loading it costs 10 ms, which a run without a terminal need not spend.
  const {isatty} = await import('node:tty');
  if ([0, 1, 2].some((fd) => isatty(fd))) return;
  throw new WinchError('TERMINAL_MISSING', 'a terminal is asked for, and this process has none', {
    kind: 'runtime',
    hint: 'leave the terminal out, or start winch in one',
  });
}
