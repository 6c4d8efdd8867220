import {dirname, join} from 'node:path';
import type {CallOptions} from '../../events.ts';
import type {ExpectedFile} from '../../store/expected-files.ts';
import {statFile} from '../../store/found-files.ts';
import {isLayerTree} from '../../store/paths.ts';
import {setAside} from '../../store/set-aside.ts';
import {namesIn} from '../../store/unless-gone.ts';
import type {ImageContext} from '../context.ts';
import {checkFile, pathOf} from './check-file.ts';
import {isAboutAccess} from './finding.ts';

/** A pull may be writing the very file, and as long as a large layer takes to unpack. */
const PATIENCE_MS = 30 * 60 * 1000;

/**
 * Takes a damaged file out of its place, under the lock of its digest: a pull may have made it good meanwhile, and then
 * it stays.
 *
 * @returns whether it was damaged still
 */
export async function setDamagedAside(
  context: ImageContext,
  file: ExpectedFile,
  {signal, onEvent}: CallOptions,
): Promise<boolean> {
  const {store} = context;
  const {kind, digest} = file;
  using _lock = await store.lock(kind, digest, {
    signal,
    timeoutMs: PATIENCE_MS,
    onWait: (holder) => onEvent?.({type: 'blob:waiting', digest, holder}),
  });
  const faults = await checkFile(context, file, {isDeep: true, signal});
  if (faults.every(({code}) => isAboutAccess(code))) return false;
  const path = pathOf(store.paths, file);
  const directory = dirname(path);
  // What is no directory is in the way of the file that belongs into one.
  const isInTheWay = statFile(directory)?.isDirectory() === false;
  await setAside(store.paths, isInTheWay ? directory : path);
  // What was extracted of it is damaged as well.
  const trees = kind === 'layer' ? namesIn(directory).filter(isLayerTree) : [];
  for (const name of trees) await setAside(store.paths, join(directory, name));
  return true;
}
