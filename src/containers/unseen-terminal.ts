import {WinchError} from '../errors.ts';

/** What stands for the terminal of a process that has none, as in a CI job. */
export interface UnseenTerminal extends Disposable {
  /** A descriptor, for the runtime's standard error: of its three streams one must be a terminal. */
  readonly console: number;
}

/**
 * The runtime connects a container's terminal to this process's own. Where there is none it gets one that nobody sees:
 * what the container prints goes to standard output all the same.
 *
 * @returns null: this process has a terminal.
 * @throws {WinchError} `TERMINAL_MISSING`: it has none, and none can be made.
 */
export async function openUnseenTerminal(): Promise<UnseenTerminal | null> {
  // Loading these costs 10 ms, which a run without a terminal need not spend.
  const {isatty} = await import('node:tty');
  if ([0, 1, 2].some((fd) => isatty(fd))) return null;
  const {openPseudoTerminal} = await import('../host/pseudo-terminal.ts');
  const terminal = refusingInWords(() => openPseudoTerminal(null));
  // What the runtime says there is in its log as well.
  terminal.screen.resume();
  return {
    console: terminal.programEnd,
    [Symbol.dispose]: () => {
      terminal.closeProgramEnd();
      terminal.close();
    },
  };
}

function refusingInWords<T>(open: () => T): T {
  try {
    return open();
  } catch (cause) {
    throw new WinchError('TERMINAL_MISSING', 'a terminal is asked for, and this process has none and can make none', {
      kind: 'runtime',
      hint: 'leave the terminal out, or mount devpts on /dev/pts',
      cause,
    });
  }
}
