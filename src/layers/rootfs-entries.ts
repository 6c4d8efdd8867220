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
  /** What it makes has the mode that it is made with, and belongs to root, or owners are not given at all. */
  readonly makesAsMeant: boolean;
  readonly skipped: SkippedMetadata;
  /** Told after each entry; throws to stop. */
  onWritten(): void;
}

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
const UNFINISHED_MODE = 0o600;
const PLAIN_PERMISSIONS = 0o777;
const SET_UID = 0o4000;
const SET_GID = 0o2000;
const XATTR_REFUSALS = ['EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSPC', 'ERANGE', 'E2BIG', 'EINVAL'] as const;

/** Writes anything but a directory. */
export function writeEntry(writing: RootfsWriting, directoryFd: number, file: PlannedFile): void {
  if (file.kind === 'file') writeFile(writing, directoryFd, file);
  else if (makeSpecial(writing, directoryFd, file)) finishMade(writing, directoryFd, file);
  writing.onWritten();
}

/**
 * Whether a file can be made with its owner and mode at once, which leaves its time to set: two or three calls less,
 * for nearly all files.
 */
export const isMadeAsMeant = ({makesAsMeant}: RootfsWriting, {uid, gid, permissions, xattrs}: PlannedFile): boolean =>
  makesAsMeant && uid === 0 && gid === 0 && xattrs === null && (permissions & ~PLAIN_PERMISSIONS) === 0;

/** `finishEntry` of what was made with its mode where {@link isMadeAsMeant} allows that. */
export function finishMade(writing: RootfsWriting, directoryFd: number, file: PlannedFile): void {
  if (isMadeAsMeant(writing, file)) setTime(writing, directoryFd, file);
  else finishEntry(writing, directoryFd, file);
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
  setTime(writing, directoryFd, file);
  if (file.kind !== 'symlink') calls.changeMode(directoryFd, name, keptPermissions(file, isOwnerKept));
}

function setTime({calls}: RootfsWriting, directoryFd: number, {name, seconds, nanoseconds}: PlannedFile): void {
  calls.setTime(directoryFd, nameBytes(name), BigInt(seconds), nanoseconds);
}

function writeFile(writing: RootfsWriting, directoryFd: number, file: PlannedFile): void {
  const {calls, contents} = writing;
  const isAsMeant = isMadeAsMeant(writing, file);
  const mode = isAsMeant ? file.permissions : UNFINISHED_MODE;
  const fd = calls.open(directoryFd, nameBytes(file.name), NEW_FILE, mode);
  try {
    if (file.size > 0) contents.copy(file, fd);
    if (isAsMeant) calls.setOpenTime(fd, BigInt(file.seconds), file.nanoseconds);
  } finally {
    closeSync(fd);
  }
  if (!isAsMeant) finishEntry(writing, directoryFd, file);
}

/** False: it cannot be made here, and was counted. */
function makeSpecial(writing: RootfsWriting, directoryFd: number, file: PlannedFile): boolean {
  const {calls, skipped} = writing;
  const name = nameBytes(file.name);
  if (file.kind === 'symlink') {
    calls.makeSymlink(directoryFd, name, Buffer.from(file.linkTarget ?? '', 'latin1'));
    return true;
  }
  const mode = isMadeAsMeant(writing, file) ? file.permissions : UNFINISHED_MODE;
  try {
    calls.makeNode(directoryFd, name, FileType[file.kind] | mode, file.device);
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
