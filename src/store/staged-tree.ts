import {dirname} from 'node:path';
import type {Digest} from '../oci/digest.ts';
import type {StorePaths} from './paths.ts';

const ENDING = '.tree';

/**
 * Where a layer is extracted: on the disk on which it will lie, since no directory is renamed to another one, and
 * `ingest` and `layers` may be links to different disks.
 */
export const stagedTree = (paths: StorePaths, diffId: Digest, owners?: string): string =>
  `${dirname(paths.layer(diffId))}${owners === undefined ? '' : `.${owners}`}${ENDING}`;

/** Whether an entry beside the directories of layers is one. */
export const isStagedTree = (name: string): boolean => name.endsWith(ENDING);
