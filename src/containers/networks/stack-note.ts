import {existsSync, readFileSync, renameSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {PublishedPort, StackName} from '../../network/network-mode.ts';
import {unlessGone} from '../../store/unless-gone.ts';

/** Which program connects a container, in its directory in memory: written before that is started. */
export interface StackNote {
  readonly name: StackName;
  readonly ports: readonly PublishedPort[];
}

const NOTE = 'stack.json';

/** Whether a program may have been started for a container. */
export const hasStack = (directory: string): boolean => existsSync(join(directory, NOTE));

export function readStack(directory: string): StackNote | null {
  const text = unlessGone(() => readFileSync(join(directory, NOTE), 'utf8'), null);
  return text === null ? null : (JSON.parse(text) as StackNote);
}

/** Whole or not at all. */
export function writeStack(directory: string, note: StackNote): void {
  const staged = join(directory, `.${NOTE}`);
  writeFileSync(staged, JSON.stringify(note), {mode: 0o600});
  renameSync(staged, join(directory, NOTE));
}
