import {closeSync, fstatSync, openSync, readFileSync, readSync, renameSync, unlinkSync, writeFileSync} from 'node:fs';
import {hasErrno, isSystemError} from '../errors.ts';
import type {Digest} from '../oci/digest.ts';
import {LAYOUT_TEXT} from '../oci/image-layout.ts';
import type {Database} from './database.ts';
import {endOfLayoutIndex, formatLayoutIndex, readLayoutState} from './layout-document.ts';
import type {StorePaths} from './paths.ts';

/**
 * Makes the files true by which other tools read the store as an OCI layout: every tag under its whole name, and the
 * images without one. Part of each transaction, while which nobody else can write: so the last to commit is the last to
 * have written them.
 *
 * They are written anew only when their end says another state than the database, and never synced: what a process wrote
 * that was killed before its commit says another, and what a power cut left of them ends elsewhere. Where they cannot be
 * written they are removed, since the store works without them. Without images there are none.
 *
 * @see image-spec v1.1.1 image-layout.md
 */
export function keepLayoutIndex(paths: StorePaths, database: Database): void {
  try {
    const state = readLayoutState(database);
    if (state === null) removeLayoutIndex(paths);
    else {
      if (readText(paths.layoutMark) !== LAYOUT_TEXT) replaceFile(paths.layoutMark, LAYOUT_TEXT);
      if (!endsWith(paths.layoutIndex, endOfLayoutIndex(state))) writeLayoutIndex(paths, database, state);
    }
  } catch (error) {
    if (!isSystemError(error)) throw error;
    ignoringSystemErrors(() => removeLayoutIndex(paths));
  }
}

/** Whether other tools find in the store what the database says, to the byte; every index that a tag names is read. */
export function isLayoutIndexCurrent(paths: StorePaths, database: Database): boolean {
  const state = readLayoutState(database);
  const [mark, wanted] = state === null ? [null, null] : [LAYOUT_TEXT, formatLayoutIndex(paths, {database, state})];
  try {
    return readText(paths.layoutIndex) === wanted && readText(paths.layoutMark) === mark;
  } catch (error) {
    if (isSystemError(error)) return false;
    throw error;
  }
}

function writeLayoutIndex(paths: StorePaths, database: Database, state: Digest): void {
  const before = readText(paths.layoutIndex) ?? '';
  replaceFile(paths.layoutIndex, formatLayoutIndex(paths, {database, state, before}));
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

function endsWith(path: string, text: string): boolean {
  let file: number | null = null;
  try {
    file = openSync(path, 'r');
    const end = Buffer.alloc(Buffer.byteLength(text));
    readSync(file, end, 0, end.length, Math.max(0, fstatSync(file).size - end.length));
    return end.toString() === text;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return false;
    throw error;
  } finally {
    if (file !== null) closeSync(file);
  }
}

/** Nobody else writes meanwhile, so one staging name will do, and a killed process leaves no more than that. */
function replaceFile(path: string, text: string): void {
  const staging = `${path}.tmp`;
  writeFileSync(staging, text, {mode: 0o600});
  renameSync(staging, path);
}

/** First what names something. */
function removeLayoutIndex({layoutIndex: index, layoutMark: mark}: StorePaths): void {
  for (const path of [index, mark]) for (const name of [path, `${path}.tmp`]) removeFile(name);
}

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
  }
}

function ignoringSystemErrors(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
}
