import {accessSync, constants} from 'node:fs';

const DIRECTORIES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/lib/cni'];

/** What tests do with these, winch as another user cannot stand in for. */
const FOR_ROOT: readonly string[] = [
  ...['setpriv', 'unshare', 'nsenter', 'losetup', 'mkfs.ext4', 'mountpoint'],
  ...['ip', 'iptables', 'host-local'],
];

/** Why tests that need root and these programs cannot run here; undefined when they can. */
export function missingFor(...programs: readonly string[]): string | undefined {
  const missing = programs.filter((program) => findProgram(program) === null);
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  if (missingRoot() === undefined) return undefined;
  // Set by as-user.ts, whose user can do what `winch run` needs.
  const mayRun = process.env.WINCH_TEST_AS_USER === 'true' && !programs.some((program) => FOR_ROOT.includes(program));
  return mayRun ? undefined : missingRoot();
}

/** Why a test of what only root can do cannot run here; undefined when it can. */
export const missingRoot = (): string | undefined => (process.getuid?.() === 0 ? undefined : 'needs root');

/** Why a test of limits, or of containers that stand still, cannot run here; undefined when it can. */
export const missingCgroup = (): string | undefined =>
  missingRoot() && 'containers of users have no cgroup of their own';

/** Why a test cannot run here that reads what belongs to others, or stops containers where they are; undefined when it can. */
export const missingEntry = (): string | undefined =>
  missingRoot() && 'users may neither read what belongs to others nor pause containers';

/** The path of an installed program; null when it is not there. */
export function findProgram(name: string): string | null {
  for (const directory of DIRECTORIES) {
    try {
      accessSync(`${directory}/${name}`, constants.X_OK);
      return `${directory}/${name}`;
    } catch {}
  }
  return null;
}
