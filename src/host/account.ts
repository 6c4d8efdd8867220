import {userInfo} from 'node:os';
import type {Account} from './subordinate-ids.ts';

/** The account of the user that runs this process. */
export function readAccount(): Account {
  const uid = process.geteuid?.() ?? 0;
  try {
    return {uid, name: userInfo().username};
  } catch {
    // Containers often run with any number.
    return {uid, name: null};
  }
}

/** Whether this process may do by itself what is for root alone, be it root of a user namespace only. */
export const isRoot = (): boolean => process.geteuid?.() === 0;
