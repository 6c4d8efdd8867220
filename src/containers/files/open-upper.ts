import {closeSync, constants, openSync} from 'node:fs';
import {join} from 'node:path';
import type {OwnerTranslation} from '../../bundle/id-mappings.ts';
import {hasErrno, isWinchError, WinchError} from '../../errors.ts';
import {UPPER_DIRECTORY} from '../../snapshots/stacked-rootfs.ts';
import type {ContainerContext} from '../context.ts';
import {KEPT_ROOTFS} from '../copy-image.ts';
import {findByText, nameOf, unknownContainer} from '../kept/find-container.ts';
import {type LiveContainer, requireLive} from '../kept/find-live.ts';
import {findRun, type OneShotRun} from '../kept/one-shot-runs.ts';
import {placesOf} from '../kept/places.ts';
import {type KeptRecord, listRecords} from '../kept/record.ts';
import {openOfRun, pathBeside, readSpec, rootBesideMounts} from './open-root.ts';
import {ownersOfRun, ownersOnDisk} from './owners.ts';

/** What a container has written, held open. */
export interface OpenedUpper extends Disposable {
  /** Of the image below it. */
  readonly imageId: string;
  /** The upper directory of its overlay, or all of its files; null: it was never started. */
  readonly directoryFd: number | null;
  /** Whether it is a copy with all files of the image but those that were removed. */
  readonly isWhole: boolean;
  /** Null: owners are as the container has them. */
  readonly owners: OwnerTranslation | null;
}

/**
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED` | `CONTAINER_ENDED` |
 * `WRITES_UNKNOWN`: it is a run of a bundle
 */
export async function openUpper(context: ContainerContext, text: string): Promise<OpenedUpper> {
  const record = findByText(listRecords(context), text);
  if (record) return openKept(context, record);
  const run = await findRun(context, text);
  if (run) return await openRun(context, run);
  throw unknownContainer(text);
}

function openKept(context: ContainerContext, record: KeptRecord): OpenedUpper {
  const {id, imageId, snapshotter} = record;
  const owners = ownersOnDisk(record);
  const isWhole = snapshotter === 'copy';
  const path = join(placesOf(context, id).writable, isWhole ? KEPT_ROOTFS : UPPER_DIRECTORY);
  try {
    const directoryFd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    return {imageId, directoryFd, isWhole, owners, [Symbol.dispose]: () => closeSync(directoryFd)};
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return {imageId, directoryFd: null, isWhole, owners, [Symbol.dispose]: () => {}};
    throw error;
  }
}

/** On a disk or in memory: what is mounted for it is seen by its runtime alone. */
async function openRun(context: ContainerContext, run: OneShotRun): Promise<OpenedUpper> {
  const {id, imageId} = run;
  if (imageId === null) throw withoutLayer(run);
  const owners = ownersOfRun(readSpec(await requireLive(context, id)));
  const open = async (findPath: (live: LiveContainer) => string, isWhole: boolean) => {
    const directoryFd = await openOfRun(context, id, findPath);
    return {imageId, directoryFd, isWhole, owners, [Symbol.dispose]: () => closeSync(directoryFd)};
  };
  try {
    return await open((live) => pathBeside(live, join(live.directory, 'writable', UPPER_DIRECTORY)), false);
  } catch (error) {
    if (!isWinchError(error, 'CONTAINER_ENDED')) throw error;
    // Only a copy has no such directory.
    return await open(rootBesideMounts, true);
  }
}

const withoutLayer = (run: OneShotRun): WinchError =>
  new WinchError('WRITES_UNKNOWN', `what ${nameOf(run)} has written is not apart from its image`, {
    kind: 'unsupported',
    hint: 'export all of its files instead',
  });
