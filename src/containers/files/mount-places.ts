import {lstatSync, readdirSync} from 'node:fs';
import type {ByteString} from '../../layers/byte-string.ts';
import {WHITEOUT_PREFIX} from '../../layers/whiteout.ts';
import {unlessGone} from '../../store/unless-gone.ts';

/** What winch makes of a container's own, where the image lacks it, to mount something there. */
export const MOUNT_PLACES: ReadonlySet<ByteString> = new Set([
  ...['/dev', '/proc', '/sys', '/etc/hosts', '/etc/hostname', '/etc/resolv.conf', '/run/winch-init'],
]);

/** In an upper directory, fuse-overlayfs marks what is new. */
const isMark = (name: string): boolean => name.startsWith(WHITEOUT_PREFIX);

/** Whether nothing was written there: an empty directory or file. */
export function isEmptyPlace(directoryFd: number, name: Buffer): boolean {
  const path = Buffer.concat([Buffer.from(`/proc/self/fd/${directoryFd}/`), name]);
  return unlessGone(() => {
    const stats = lstatSync(path);
    return stats.isDirectory() ? readdirSync(path).every(isMark) : stats.isFile() && stats.size === 0;
  }, false);
}
