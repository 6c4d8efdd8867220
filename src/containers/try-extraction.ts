import {mkdtempSync, rmdirSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno, isWinchError} from '../errors.ts';
import {requireWhiteouts} from '../layers/require-marks.ts';
import type {ChosenSnapshotter} from '../snapshots/choose-snapshotter.ts';
import type {SnapshotterName} from '../snapshots/snapshotter.ts';

const EXTRACTING: readonly SnapshotterName[] = ['overlay', 'fuse-overlayfs'];

/**
 * Adds to what a probe has found why layers that hide files cannot be extracted on the store's disk, where their driver
 * would need them so.
 */
export function addExtractionFault(chosen: ChosenSnapshotter, storeDirectory: string): ChosenSnapshotter {
  if (!chosen.usable || !EXTRACTING.includes(chosen.name)) return chosen;
  const fault = findExtractionFault(storeDirectory);
  if (fault === null) return chosen;
  const consequence = chosen.isForced ? 'cannot be run' : 'are copied for each run';
  const reason = `${fault}: images with layers that hide files ${consequence}`;
  return {...chosen, reason: chosen.reason === null ? reason : `${chosen.reason}; ${reason}`};
}

/** Why no whiteouts can be kept in a directory; null: they can, or there is no place to try. */
export function findExtractionFault(storeDirectory: string): string | null {
  try {
    const directory = mkdtempSync(join(storeDirectory, 'trial-'));
    try {
      requireWhiteouts(directory);
    } finally {
      rmdirSync(directory);
    }
    return null;
  } catch (error) {
    if (isWinchError(error, 'EXTRACT_UNSUPPORTED')) return `no whiteouts can be kept below ${storeDirectory}`;
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EROFS', 'ENOSPC', 'EDQUOT')) return null;
    throw error;
  }
}
