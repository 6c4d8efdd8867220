import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {findName} from '../host/subordinate-ids.ts';
import {findSystemProgram} from '../host/system-programs.ts';
import type {Check} from './diagnose.ts';
import type {UserRights} from './diagnose-user.ts';

/** Files named after the users whose processes and directories stay when they log out (loginctl(1)). */
const LINGERING = '/var/lib/systemd/linger';

/** What containers need to go on in the background. */
export function diagnoseBackground(
  user: UserRights | null,
  runtimeDirectory: string,
  lingering: string = LINGERING,
): Check {
  const name = 'background';
  const path = findSystemProgram('conmon');
  if (path === null) {
    const remedy = `${user === null ? '' : 'sudo '}apt-get install conmon`;
    return {name, state: 'limited', detail: 'conmon, which stays with containers, is not installed', remedy};
  }
  const account = user === null ? null : findName(user.uid);
  const mayLoseState = user !== null && runtimeDirectory.startsWith(`/run/user/${user.uid}/`) && existsSync(lingering);
  if (!mayLoseState || account === null || existsSync(join(lingering, account))) {
    return {name, state: 'ok', detail: path, remedy: null};
  }
  const detail = `what runs is lost when ${account} logs out: ${runtimeDirectory} goes`;
  return {name, state: 'limited', detail, remedy: `sudo loginctl enable-linger ${account}`};
}
