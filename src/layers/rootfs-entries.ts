import {closeSync, constants} from 'node:fs';
import {hasErrno, WinchError} from '../errors.ts';
import type {TreeCalls} from '../host/tree-calls.ts';
import {type ByteString, displayBytes} from './byte-string.ts';
import {FileType} from './erofs-format.ts';
import type {LayerContents} from './layer-contents.ts';
import type {PlannedFile} from './rootfs-plan.ts';

/** How many files could not be written as the image has them. */
export interface SkippedMetadata {
  /** Belong to somebody else than root in the image, and to the caller now. */
  owners: number;
  /** Devices: they are missing. */
  devices: number;
  /** Lack extended attributes. */
  xattrs: number;
}

export interface RootfsWriting {
  readonly calls: TreeCalls;
  readonly contents: LayerContents;
  /** Whether this process may give files away. */
  readonly givesOwners: boolean;
  readonly skipped: SkippedMetadata;
  /** Told after each entry; throws to stop. */
  onWritten(): void;
}

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
const UNFINISHED_MODE = 0o600;
const SET_UID = 0o4000;
const SET_GID = 0o2000;
const XATTR_REFUSALS = ['EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSPC', 'ERANGE', 'E2BIG', 'EINVAL'] as const;

/** Writes anything but a directory. */
export function writeEntry(writing: RootfsWriting, directoryFd: number, file: PlannedFile): void {
  const isThere =
    file.kind === 'file' ? writeFile(writing, directoryFd, file) : makeSpecial(writing, directoryFd, file);
  if (isThere) finishEntry(writing, directoryFd, file);
  writing.onWritten();
}

/**
 * Owner, attributes, time and mode, in this order: a new owner costs a file its set-id bits and capabilities, attributes
 * need a file that its owner may write, and no name is looked up in a directory without a mode for it.
 */
export function finishEntry(writing: RootfsWriting, directoryFd: number, file: PlannedFile): void {
  const {calls} = writing;
  const name = nameBytes(file.name);
  const isOwnerKept = giveOwner(writing, directoryFd, file, name);
  giveXattrs(writing, directoryFd, file, name);
  calls.setTime(directoryFd, name, BigInt(file.seconds), file.nanoseconds);
  if (file.kind !== 'symlink') calls.changeMode(directoryFd, name, keptPermissions(file, isOwnerKept));
}

function writeFile({calls, contents}: RootfsWriting, directoryFd: number, file: PlannedFile): true {
  const fd = calls.open(directoryFd, nameBytes(file.name), NEW_FILE, UNFINISHED_MODE);
  try {
    if (file.size > 0) contents.copy(file, fd);
  } finally {
    closeSync(fd);
  }
  return true;
}

/** False: it cannot be made here, and was counted. */
function makeSpecial({calls, skipped}: RootfsWriting, directoryFd: number, file: PlannedFile): boolean {
  const name = nameBytes(file.name);
  if (file.kind === 'symlink') {
    calls.makeSymlink(directoryFd, name, Buffer.from(file.linkTarget ?? '', 'latin1'));
    return true;
  }
  try {
    calls.makeNode(directoryFd, name, FileType[file.kind] | UNFINISHED_MODE, file.device);
    return true;
  } catch (error) {
    if (file.kind === 'fifo' || !hasErrno(error, 'EPERM')) throw error;
    skipped.devices += 1;
    return false;
  }
}

function giveOwner(writing: RootfsWriting, directoryFd: number, {uid, gid}: PlannedFile, name: Buffer): boolean {
  if (writing.givesOwners) {
    try {
      writing.calls.changeOwner(directoryFd, name, uid, gid);
      return true;
    } catch (error) {
      // A user namespace may not know the owner.
      if (!hasErrno(error, 'EPERM', 'EINVAL')) throw error;
    }
  }
  if (uid !== 0 || gid !== 0) writing.skipped.owners += 1;
  return false;
}

/** A program must not run as somebody whom the image does not mean; whoever runs a bundle of their own is root in it. */
function keptPermissions({permissions, uid, gid}: PlannedFile, isOwnerKept: boolean): number {
  if (isOwnerKept) return permissions;
  return permissions & ~(uid === 0 ? 0 : SET_UID) & ~(gid === 0 ? 0 : SET_GID);
}

function giveXattrs(writing: RootfsWriting, directoryFd: number, file: PlannedFile, name: Buffer): void {
  const holdsAny = file.kind === 'file' || file.kind === 'directory';
  let isWhole = true;
  for (const [key, value] of file.xattrs ?? []) {
    // The kernel keeps those of users on files and directories alone (xattr(7)).
    if (!holdsAny && key.startsWith('user.')) continue;
    try {
      const attribute = {name: Buffer.from(key, 'latin1'), value: Buffer.from(value, 'latin1')};
      writing.calls.setAttribute(directoryFd, name, attribute);
    } catch (error) {
      // Not without a capability, not on this file system, or not that many of them.
      if (!hasErrno(error, ...XATTR_REFUSALS)) throw error;
      isWhole = false;
    }
  }
  if (!isWhole) writing.skipped.xattrs += 1;
}

/** @throws {WinchError} `STORE_CORRUPT`: not the name of a file, so no layer has it. */
export function nameBytes(name: ByteString): Buffer {
  const isName = name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0');
  if (isName) return Buffer.from(name, 'latin1');
  throw new WinchError('STORE_CORRUPT', `a layer file has a file of the name ${displayBytes(name)}`, {
    kind: 'corrupt',
    hint: 'find out what else is damaged, and have it repaired',
  });
}
