import {type ByteString, displayBytes} from './byte-string.ts';
import type {FileKind} from './file-tree.ts';

/**
 * What EROFS can name. `trusted.` is missing on purpose: `trusted.overlay.*` would steer the overlay mount, and
 * containerd drops the whole class.
 */
const KEPT_PREFIXES: readonly string[] = Object.freeze(['user.', 'security.']);
const KEPT_NAMES: readonly string[] = Object.freeze(['system.posix_acl_access', 'system.posix_acl_default']);
/** They belong to the machine that made the layer, or steer overlayfs and fuse-overlayfs. */
const DROPPED_PREFIXES: readonly string[] = Object.freeze(['user.overlay.', 'user.fuseoverlayfs.', 'security.selinux']);

export type Xattrs = ReadonlyMap<ByteString, ByteString>;

/** The extended attributes that an image may set; null for none. `onDropped` hears of each other one. */
export function keepXattrs(xattrs: Xattrs | null, onDropped: (warning: string) => void): Xattrs | null {
  if (xattrs === null) return null;
  const kept = new Map<ByteString, ByteString>();
  for (const [name, value] of xattrs) {
    if (isKept(name)) kept.set(name, value);
    else onDropped(`extended attribute ${displayBytes(name)} was dropped: an image may not set it`);
  }
  return kept.size === 0 ? null : kept;
}

const isKept = (name: ByteString): boolean =>
  KEPT_NAMES.includes(name) ||
  (KEPT_PREFIXES.some((prefix) => name.startsWith(prefix) && name.length > prefix.length) &&
    !DROPPED_PREFIXES.some((prefix) => name.startsWith(prefix)));

/** Whether Linux keeps an attribute on such a file: those of users are for files and directories alone (xattr(7)). */
export const canHaveXattr = (kind: FileKind, name: ByteString): boolean =>
  kind === 'file' || kind === 'directory' || !name.startsWith('user.');
