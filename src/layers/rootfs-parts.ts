import {closeSync, constants} from 'node:fs';
import type {TreeCalls} from '../host/tree-calls.ts';
import {finishEntry, finishMade, isMadeAsMeant, nameBytes, type RootfsWriting, writeEntry} from './rootfs-entries.ts';
import type {Path, PlannedDirectory, PlannedFile, PlannedLink, RootfsPart} from './rootfs-plan.ts';

/** What is left once every part is written. */
export interface RootfsFinish {
  readonly held: PlannedDirectory;
  readonly links: readonly PlannedLink[];
}

/** The one directory that is open: trees may be deeper than files may be open. */
interface Cursor {
  fd: number;
}

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;
const SELF = Buffer.from('.');
const UNFINISHED_MODE = 0o700;
const ABOVE = Buffer.from('..');

/** Writes a part below the open directory `outside`. */
export function writePart(writing: RootfsWriting, outside: number, {path, files, directories}: RootfsPart): void {
  withDirectory(writing.calls, {from: outside, path}, (cursor) => {
    for (const file of files) writeEntry(writing, cursor.fd, file);
    for (const directory of directories) writeDirectory(writing, cursor, directory);
  });
}

/** Makes the links, then gives the directories that were held back what they have in the image. */
export function finishParts(writing: RootfsWriting, outside: number, {held, links}: RootfsFinish): void {
  for (const link of links) makeLink(writing, outside, link);
  withDirectory(writing.calls, {from: outside, path: []}, (cursor) => finishDirectory(writing, cursor, held));
}

function writeDirectory(writing: RootfsWriting, cursor: Cursor, directory: PlannedDirectory): void {
  const {calls} = writing;
  const {self, files, directories, isHeld} = directory;
  const isAsMeant = !isHeld && isWritable(self) && isMadeAsMeant(writing, self);
  calls.makeDirectory(cursor.fd, nameBytes(self.name), isAsMeant ? self.permissions : UNFINISHED_MODE);
  if (files.length > 0 || directories.length > 0) {
    enter(calls, cursor, nameBytes(self.name));
    for (const file of files) writeEntry(writing, cursor.fd, file);
    for (const child of directories) writeDirectory(writing, cursor, child);
    enter(calls, cursor, ABOVE);
  }
  if (isAsMeant) finishMade(writing, cursor.fd, self);
  else if (!isHeld) finishEntry(writing, cursor.fd, self);
  writing.onWritten();
}

/** By its owner: what goes into it can be written. */
const isWritable = ({permissions}: PlannedFile): boolean => (permissions & UNFINISHED_MODE) === UNFINISHED_MODE;

function makeLink({calls, onWritten}: RootfsWriting, outside: number, {path, target}: PlannedLink): void {
  withDirectory(calls, {from: outside, path: target.slice(0, -1)}, (from) => {
    withDirectory(calls, {from: outside, path: path.slice(0, -1)}, (to) => {
      calls.link(from.fd, nameBytes(target.at(-1) ?? ''), to.fd, nameBytes(path.at(-1) ?? ''));
    });
  });
  onWritten();
}

function finishDirectory(writing: RootfsWriting, cursor: Cursor, {self, directories}: PlannedDirectory): void {
  if (directories.length > 0) {
    enter(writing.calls, cursor, nameBytes(self.name));
    for (const child of directories) finishDirectory(writing, cursor, child);
    enter(writing.calls, cursor, ABOVE);
  }
  finishEntry(writing, cursor.fd, self);
}

/** Opens a directory name by name, so that no link on the way is followed. */
function withDirectory(
  calls: TreeCalls,
  {from, path}: {readonly from: number; readonly path: Path},
  use: (cursor: Cursor) => void,
): void {
  const cursor = {fd: calls.open(from, SELF, DIRECTORY)};
  try {
    for (const name of path) enter(calls, cursor, nameBytes(name));
    use(cursor);
  } finally {
    closeSync(cursor.fd);
  }
}

function enter(calls: TreeCalls, cursor: Cursor, name: Buffer): void {
  const next = calls.open(cursor.fd, name, DIRECTORY);
  closeSync(cursor.fd);
  cursor.fd = next;
}
