import {closeSync, constants, openSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno} from '../../errors.ts';
import {UPPER_DIRECTORY} from '../../snapshots/stacked-rootfs.ts';
import type {ContainerContext} from '../context.ts';
import {requireContainer} from '../kept/find-container.ts';
import {placesOf} from '../kept/places.ts';
import type {KeptRecord} from '../kept/record.ts';

/** What a kept container has written, held open. */
export interface OpenedUpper extends Disposable {
  readonly record: KeptRecord;
  /** The upper directory of its overlay; null: it was never started. */
  readonly directoryFd: number | null;
}

/** @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` */
export function openUpper(context: ContainerContext, text: string): OpenedUpper {
  const record = requireContainer(context, text);
  const path = join(placesOf(context, record.id).writable, UPPER_DIRECTORY);
  try {
    const directoryFd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    return {record, directoryFd, [Symbol.dispose]: () => closeSync(directoryFd)};
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return {record, directoryFd: null, [Symbol.dispose]: () => {}};
    throw error;
  }
}
