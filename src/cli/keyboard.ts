import {loadSyscalls} from '../host/syscalls.ts';
import {openTerminalMode} from '../host/terminal-mode.ts';
import {readTerminalSize, type TerminalSize} from '../host/terminal-size.ts';

/** A terminal from which keys are read. */
export interface Keyboard {
  /** From now on each key comes at once and as it is, Ctrl-C among them, and what is shown is shown as it is. */
  makeRaw(): void;
  /** As it was at the beginning. */
  restore(): void;
  /** Null: nobody has told the terminal its size. */
  readSize(): TerminalSize | null;
  /** @returns what ends that. */
  onResize(listener: () => void): () => void;
}

/** The terminal that an open file is. */
export function createKeyboard(fd: number): Keyboard {
  const syscalls = loadSyscalls();
  return {
    ...openTerminalMode(fd),
    readSize: () => readTerminalSize(syscalls, [fd]),
    onResize: (listener) => {
      process.on('SIGWINCH', listener);
      return () => void process.off('SIGWINCH', listener);
    },
  };
}
