import {closeSync, constants, fstatSync, mkdirSync, openSync, readdirSync, rmSync, writeSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno, isSystemError} from '../errors.ts';
import type {StorePaths} from './paths.ts';
import type {EventType, StoreEvent} from './store-event.ts';

export interface Happening {
  readonly type: EventType;
  readonly action: string;
  readonly id: string;
  readonly attributes?: Readonly<Record<string, string>>;
  /** When, in milliseconds since 1970; absent: now. */
  readonly atMs?: number | undefined;
}

/** All that is written at a time; what many labels make longer is noted without them. */
const LARGEST_EVENT_BYTES = 64 * 1024;
const LARGEST_FILE_BYTES = 4 * 1024 * 1024;
const KEPT_FILES = 2;
const FIRST_FILE = '00000001.log';
const FILE_NAME = /^\d{8}\.log$/;
const THOUSAND = 1000;

/**
 * Notes what has happened, for those who follow it or ask later.
 *
 * One write for all of it, to a file that several processes append to; nothing waits for a disk, and what cannot be
 * written is not noted. Of the files, which are bounded, the last two are kept.
 *
 * @param nowMs Milliseconds since 1970.
 */
export function recordEvents(
  {events}: Pick<StorePaths, 'events'>,
  happenings: readonly Happening[],
  nowMs: number,
): void {
  try {
    append(events, Buffer.from(happenings.map((happening) => formatEvent(happening, nowMs)).join('')));
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
}

/** Names of the files, in the order in which they were begun. */
export function listEventFiles(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter((name) => FILE_NAME.test(name))
      .toSorted();
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'EACCES')) return [];
    throw error;
  }
}

/** A line of its own also behind one that a full disk or a power cut has torn. */
function formatEvent(happening: Happening, nowMs: number): string {
  const line = JSON.stringify(describe(happening, nowMs));
  if (line.length <= LARGEST_EVENT_BYTES) return `\n${line}\n`;
  return `\n${JSON.stringify(describe({...happening, attributes: firstOf(happening.attributes ?? {})}, nowMs))}\n`;
}

/** Those that winch adds come first. */
function firstOf(attributes: Readonly<Record<string, string>>): Record<string, string> {
  const short = Object.entries(attributes).filter(([name, value]) => name.length + value.length < 1024);
  return Object.fromEntries(short.slice(0, 16));
}

function describe({type, action, id, attributes = {}, atMs}: Happening, nowMs: number): StoreEvent {
  const milliseconds = atMs ?? nowMs;
  return {
    Type: type,
    Action: action,
    Actor: {ID: id, Attributes: attributes},
    scope: 'local',
    time: Math.floor(milliseconds / THOUSAND),
    // A whole number of microseconds is written in full, though no number of this size holds all nanoseconds.
    timeNano: Math.round(milliseconds * THOUSAND) * THOUSAND,
  };
}

function append(directory: string, bytes: Buffer): void {
  const names = listEventFiles(directory);
  const last = names.at(-1) ?? FIRST_FILE;
  if (appendTo(directory, last, bytes)) return;
  appendTo(directory, nextOf(last), bytes);
  // Whoever writes meanwhile to the file before this one still has it.
  for (const name of names.slice(0, 1 - KEPT_FILES)) rmSync(join(directory, name), {force: true});
}

const nextOf = (name: string): string => `${String(Number.parseInt(name, 10) + 1).padStart(8, '0')}.log`;

/** @returns false: it is full. */
function appendTo(directory: string, name: string, bytes: Buffer): boolean {
  const fd = openToAppend(directory, name);
  try {
    if (fstatSync(fd).size >= LARGEST_FILE_BYTES) return false;
    writeSync(fd, bytes);
    return true;
  } finally {
    closeSync(fd);
  }
}

function openToAppend(directory: string, name: string): number {
  const open = () =>
    openSync(join(directory, name), constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o600);
  try {
    return open();
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
    mkdirSync(directory, {mode: 0o700});
    return open();
  }
}
