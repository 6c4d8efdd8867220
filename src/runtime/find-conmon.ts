import {WinchError} from '../errors.ts';
import {findSystemProgram} from '../host/system-programs.ts';

const CONMON = 'conmon';

/**
 * The absolute path of the program that stays with a container when its command has ended.
 *
 * @throws {WinchError} `SUPERVISOR_NOT_FOUND`
 */
export function findConmon(): string {
  const found = findSystemProgram(CONMON);
  if (found !== null) return found;
  throw new WinchError(
    'SUPERVISOR_NOT_FOUND',
    'conmon, which stays with containers in the background, is not installed',
    {
      kind: 'runtime',
      hint: `install it (apt-get install ${CONMON}, dnf install ${CONMON})`,
    },
  );
}
