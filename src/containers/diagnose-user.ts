import {
  findFreeStart,
  findName,
  readSubordinateIds,
  SUBORDINATE_GIDS,
  SUBORDINATE_UIDS,
} from '../host/subordinate-ids.ts';
import {findSystemProgram} from '../host/system-programs.ts';
import {recallUserNamespace} from '../host/try-user-namespace.ts';
import type {Check} from './diagnose.ts';

/** Somebody who is not root. */
export interface UserRights {
  readonly uid: number;
  /** Why this process is not root of a user namespace, and what would let it; null: it is. */
  readonly denial: {readonly reason: string; readonly remedy: string | null} | null;
}

/** As distributions give it to a new account. */
const RANGE_COUNT = 65_536;

/** What a user needs to be root of a user namespace, and to have other users there. */
export function diagnoseUser({uid, denial}: UserRights, runtimeDirectory: string): readonly Check[] {
  if (denial !== null) {
    return [{name: 'user namespace', state: 'missing', detail: denial.reason, remedy: denial.remedy}];
  }
  const programs = diagnosePrograms();
  const ranges = diagnoseRanges(uid);
  const missing = recallUserNamespace(runtimeDirectory)?.missing ?? null;
  const isExplained = missing === null || programs.state !== 'ok' || ranges.state !== 'ok';
  return [
    isExplained
      ? {name: 'user namespace', state: 'ok', detail: 'this user is root of its own', remedy: null}
      : {name: 'user namespace', state: 'limited', detail: missing, remedy: 'sudo apt-get install --reinstall uidmap'},
    programs,
    ranges,
  ];
}

function diagnosePrograms(): Check {
  const [uids, gids] = ['newuidmap', 'newgidmap'].map(findSystemProgram);
  const name = 'newuidmap';
  if (uids && gids) return {name, state: 'ok', detail: uids, remedy: null};
  const detail = 'not installed: all files belong to one owner';
  return {name, state: 'limited', detail, remedy: 'sudo apt-get install uidmap'};
}

function diagnoseRanges(uid: number): Check {
  const name = 'subordinate ids';
  const account = {uid, name: findName(uid)};
  const uids = readSubordinateIds(SUBORDINATE_UIDS, account);
  const gids = readSubordinateIds(SUBORDINATE_GIDS, account);
  if (uids && gids) return {name, state: 'ok', detail: `${uids.count} users, ${gids.count} groups`, remedy: null};
  const [who, start] = [account.name ?? `the user ${uid}`, findFreeStart()];
  const range = `${start}-${start + RANGE_COUNT - 1}`;
  return {
    name,
    state: 'limited',
    detail: `none for ${who}: all files belong to one owner`,
    remedy:
      account.name === null
        ? `sudo useradd --uid ${uid} NAME`
        : `sudo usermod --add-subuids ${range} --add-subgids ${range} ${who}`,
  };
}
