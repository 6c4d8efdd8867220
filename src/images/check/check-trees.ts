import {relative} from 'node:path';
import {hasErrno, isWinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {runTogether} from '../../host/run-together.ts';
import {storageError} from '../../host/storage-error.ts';
import {displayBytes} from '../../layers/byte-string.ts';
import {type Digest, parseDigest} from '../../oci/digest.ts';
import type {ExpectedFile} from '../../store/expected-files.ts';
import {statFile} from '../../store/found-files.ts';
import {findLayerFile} from '../../store/image-records.ts';
import {setAside} from '../../store/set-aside.ts';
import type {ImageContext} from '../context.ts';
import {findTreeUser} from './find-tree-user.ts';
import {createFinding, type Finding, type FindingCode} from './finding.ts';
import type {Repair} from './repair.ts';

const LAYERS_AT_ONCE = 2;
/** A run may be extracting the layer. */
const PATIENCE_MS = 30 * 60 * 1000;

/** Holds layers that were extracted against their files; all of it when `deep`, else whether they are complete. */
export async function checkTrees(
  context: ImageContext,
  expected: readonly ExpectedFile[],
  {deep = false, signal}: CallOptions & {readonly deep?: boolean | undefined},
): Promise<readonly Finding[]> {
  const {paths, trees} = context.store;
  const findings: Finding[] = [];
  const extracted = expected.filter(({kind, digest}) => kind === 'layer' && statFile(trees.path(digest)) !== null);
  const tasks = extracted.map(({digest}) => async (stop: AbortSignal) => {
    const add = (code: FindingCode, detail: string) =>
      findings.push(createFinding({code, detail, digest, path: relative(paths.root, trees.path(digest))}));
    if (!trees.isMarked(digest)) add('TREE_UNFINISHED', 'it is not complete');
    else if (deep && trees.isComplete(digest)) {
      const difference = await findDamage(context, digest, stop);
      if (difference !== null && trees.isComplete(digest)) add('TREE_CONTENT', difference);
    }
  });
  await runTogether(tasks, {limit: LAYERS_AT_ONCE, signal});
  return findings.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** One line for people; null as well for what is removed meanwhile, which is no damage. */
async function findDamage(
  {store, layerPool}: ImageContext,
  diffId: Digest,
  signal: AbortSignal,
): Promise<string | null> {
  const record = store.read((database) => findLayerFile(database, diffId), null);
  if (record === null) return null;
  const [layer, directory] = [{...record, path: store.layers.path(diffId)}, store.trees.path(diffId)];
  const pool = await layerPool();
  try {
    const difference = await pool.verifyExtracted({layer, directory}, {signal});
    return difference === null ? null : `${displayBytes(difference)} is not what the layer file has`;
  } catch (error) {
    // A damaged layer file is a finding of its own.
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return 'a file of it cannot be found';
    if (isWinchError(error, 'STORE_CORRUPT')) return 'its layer file is damaged';
    throw storageError(error, directory);
  }
}

/**
 * Takes away what is damaged, under the lock of its layer: the next run that needs it extracts it again. A running
 * container would lose its files with it, so it stays as long as one has it mounted.
 */
export async function dropTrees(
  {store}: ImageContext,
  findings: readonly Finding[],
  {signal}: CallOptions,
): Promise<readonly Repair[]> {
  const repairs: Repair[] = [];
  for (const finding of findings.filter(({isDamage}) => isDamage)) {
    const diffId = parseDigest(finding.digest ?? '');
    using _lock = await store.lock('layer', diffId, {signal, timeoutMs: PATIENCE_MS});
    const user = findTreeUser(store, diffId);
    if (user === null) {
      await setAside(store.paths, store.trees.path(diffId));
      repairs.push({finding, outcome: 'repaired', detail: 'taken away; a run that needs it extracts it again'});
    } else repairs.push({finding, outcome: 'kept', detail: `${user} uses it: end that first`});
  }
  return repairs;
}
