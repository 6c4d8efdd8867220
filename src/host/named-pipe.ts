import {loadKoffi} from './load-koffi.ts';
import {systemError} from './system-error.ts';

/**
 * Makes a named pipe (mkfifo(3)).
 *
 * @throws a Node-style system error (`EEXIST`, `EPERM` …)
 */
export function makeNamedPipe(path: string, mode: number): void {
  const koffi = loadKoffi();
  const mkfifo = koffi.load(null).func('int mkfifo(const char*, unsigned int)');
  if (mkfifo(path, mode) < 0) throw systemError(koffi.errno(), 'mkfifo', path);
}
