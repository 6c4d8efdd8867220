import {isInitialUserNamespace} from '../host/user-namespace.ts';

export type Variables = Readonly<Record<string, string | undefined>>;

/** Tells the command in the namespace which user it works for: places and logins are that user's. */
export const OUTER_USER = 'WINCH_OUTER_UID';

/** The user whose command this is: who started it, when it has become root of a namespace since. */
export function findUserId(effective: number, variables: Variables): number {
  const outer = variables[OUTER_USER];
  const isOwnNamespace = effective === 0 && outer !== undefined && /^\d{1,10}$/.test(outer);
  return isOwnNamespace && !isInitialUserNamespace() ? Number(outer) : effective;
}
