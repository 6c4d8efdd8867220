import {accessSync, chownSync, constants, lchownSync, mkdirSync, readdirSync, statSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {openMountNamespace} from './mount-namespace.ts';
import {missingFor} from './requires.ts';
import {makeWinch, WINCH, type Winch, type WinchCall, type WinchExit} from './winch.ts';

export const USER = 65_533;
const NAME = 'tester';
const RANGE = {start: 1_000_000, count: 65_536};
const OTHERS_ENTER = 0o001;

export interface UserOptions {
  /** What the account gets in `/etc/subuid` and `/etc/subgid`; default: 65536 ids. */
  readonly ranges?: 'many' | 'none';
  /** A path that is an empty file for this user: a program that is not installed. */
  readonly without?: string;
}

/** The command as a user without privileges has it, with an account that only its own processes see. */
export interface UnprivilegedWinch extends AsyncDisposable {
  readonly winch: Winch;
  run(words: readonly string[], call?: WinchCall): Promise<WinchExit>;
  /** Words in front of a command line that run it as this user. */
  readonly within: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Why nothing can be run as another user here; undefined when it can. */
export function missingForUser(...programs: readonly string[]): string | undefined {
  const missing = missingFor('setpriv', 'unshare', 'newuidmap', ...programs);
  return (
    missing ?? (mayOthersRead(WINCH) && mayOthersRead(process.execPath) ? undefined : 'other users cannot get here')
  );
}

export interface User extends AsyncDisposable {
  /** Words in front of a command line that run it as this user. */
  readonly within: readonly string[];
}

/**
 * A user without privileges, with an account that only its own processes see: nothing in `/etc` changes but in their
 * mount namespace.
 *
 * @param directory Where the files for that go; the home of the account.
 */
export async function openUser(directory: string, {ranges = 'many', without}: UserOptions = {}): Promise<User> {
  const etc = join(directory, 'etc');
  mkdirSync(etc);
  writeFileSync(join(etc, 'passwd'), `root:x:0:0::/root:/bin/sh\n${NAME}:x:${USER}:${USER}::${directory}:/bin/sh\n`);
  writeFileSync(join(etc, 'sub'), ranges === 'many' ? `${NAME}:${RANGE.start}:${RANGE.count}\n` : '');
  writeFileSync(join(etc, 'nothing'), '', {mode: 0o644});
  const script = [
    'mount --bind "$1/passwd" /etc/passwd',
    'touch /etc/subuid /etc/subgid',
    'mount --bind "$1/sub" /etc/subuid',
    'mount --bind "$1/sub" /etc/subgid',
    // As distributions have it.
    '[ ! -c /dev/net/tun ] || { mount -t tmpfs -o mode=755 tmpfs /dev/net && mknod -m 666 /dev/net/tun c 10 200; }',
    'mkdir "$1/dev" && mount -t tmpfs -o mode=755 tmpfs "$1/dev"',
    '[ ! -c /dev/fuse ] || { mknod -m 666 "$1/dev/fuse" c 10 229 && mount --bind "$1/dev/fuse" /dev/fuse; }',
    ...(without === undefined ? [] : ['mount --bind "$1/nothing" "$2"']),
  ].join('; ');
  const namespace = await openMountNamespace(script, etc, without ?? '');
  return {
    within: [...namespace.within, 'setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', '--'],
    [Symbol.asyncDispose]: () => namespace[Symbol.asyncDispose](),
  };
}

/** The command as such a user has it. */
export async function makeUnprivilegedWinch(options: UserOptions = {}): Promise<UnprivilegedWinch> {
  const winch = makeWinch();
  const user = await openUser(winch.directory, options);
  giveAway(winch.directory);
  const {within} = user;
  const env = {HOME: winch.directory};
  return {
    winch,
    within,
    env,
    run: (words, call = {}) => winch.run(words, {...call, within, env: {...env, ...call.env}}),
    [Symbol.asyncDispose]: async () => {
      await user[Symbol.asyncDispose]();
      winch[Symbol.dispose]();
    },
  };
}

function giveAway(path: string): void {
  chownSync(path, USER, USER);
  for (const name of readdirSync(path, {recursive: true, encoding: 'utf8'})) lchownSync(join(path, name), USER, USER);
}

function mayOthersRead(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
  } catch {
    return false;
  }
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    if ((statSync(directory).mode & OTHERS_ENTER) === 0) return false;
    if (dirname(directory) === directory) return true;
  }
}
