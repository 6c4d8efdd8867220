import {isWinchError} from '../errors.ts';
import {copySnapshotter} from './copy.ts';
import {tryPrivateMounts} from './private-mounts.ts';
import type {ProbeResult} from './probe-erofs.ts';

/** Finds out whether a runtime can start in a copied tree: that takes a mount namespace, and no file system. */
export async function probeCopy(): Promise<ProbeResult> {
  const {name} = copySnapshotter;
  try {
    await tryPrivateMounts({mounts: []});
    return {name, usable: true, reason: null};
  } catch (error) {
    if (!isWinchError(error)) throw error;
    return {name, usable: false, reason: error.message};
  }
}
