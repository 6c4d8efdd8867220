import {loadKoffi} from './load-koffi.ts';
import {createCheck} from './system-error.ts';

/** How the kernel treats what is typed and shown on a terminal. */
export interface TerminalMode {
  /**
   * Passes on every byte as it is, in both directions (cfmakeraw(3)). Node's own raw mode goes on adding a carriage return
   * to each line feed that is shown.
   */
  makeRaw(): void;
  /** As it was when this was opened. */
  restore(): void;
}

/** More than `struct termios` takes anywhere. */
const TERMIOS_BYTES = 256;
/** After what is to be shown has been shown (TCSADRAIN). */
const DRAIN = 1;

/**
 * Loads libc through koffi, as `loadSyscalls` does.
 *
 * @param fd Of a terminal.
 */
export function openTerminalMode(fd: number): TerminalMode {
  const koffi = loadKoffi();
  const libc = koffi.load(null);
  const tcgetattr = libc.func('int tcgetattr(int, uint8_t*)');
  const tcsetattr = libc.func('int tcsetattr(int, int, const uint8_t*)');
  const cfmakeraw = libc.func('void cfmakeraw(uint8_t*)');
  const checkCall = createCheck(koffi);
  const check = (result: number, call: string) => checkCall(result, call, String(fd));
  const before = Buffer.alloc(TERMIOS_BYTES);
  check(tcgetattr(fd, before), 'tcgetattr');
  return {
    makeRaw: () => {
      const raw = Buffer.from(before);
      cfmakeraw(raw);
      check(tcsetattr(fd, DRAIN, raw), 'tcsetattr');
    },
    restore: () => check(tcsetattr(fd, DRAIN, before), 'tcsetattr'),
  };
}
