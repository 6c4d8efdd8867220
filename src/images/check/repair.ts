import {chmod, lchown, stat} from 'node:fs/promises';
import {join} from 'node:path';
import {isWinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {storageError} from '../../host/storage-error.ts';
import type {Digest} from '../../oci/digest.ts';
import type {Database} from '../../store/database.ts';
import {deleteImage} from '../../store/image-records.ts';
import {deleteTag, listTags} from '../../store/tags.ts';
import type {ImageContext} from '../context.ts';
import {checkFile} from './check-file.ts';
import {type Damage, damageOf} from './check-files.ts';
import {type Finding, isAboutAccess} from './finding.ts';
import {restoreBlob} from './restore-blob.ts';
import {restoreLayer} from './restore-layer.ts';

/** What became of one damage. */
export interface Repair {
  readonly finding: Finding;
  /** `kept`: nothing is better than before, and another attempt may help. */
  readonly outcome: 'repaired' | 'dropped' | 'kept';
  /** One line for people. */
  readonly detail: string;
}

const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

/** What can be read comes before what is read, and blobs before layer files, which are written from them. */
const ORDER: readonly Finding['object'][] = ['directory', 'database', 'file', 'blob', 'layer'];
const placeOf = ({kind, object}: Finding): number => (kind === 'mode' ? 0 : ORDER.length) + ORDER.indexOf(object);

export interface RepairOptions extends CallOptions {
  readonly deep?: boolean | undefined;
}

/**
 * Makes damages good one by one, each under the lock of its digest; the caller holds a lease. One failure leaves the
 * others their turn.
 *
 * An image of which a part cannot be had again is dropped with its tags, unless the layer file is there for which the
 * lost blob was kept: that image still runs.
 */
export async function repairDamages(
  context: ImageContext,
  damages: readonly Damage[],
  options: RepairOptions,
): Promise<readonly Repair[]> {
  const repairs: Repair[] = [];
  const queue = damages.toSorted((a, b) => placeOf(a.finding) - placeOf(b.finding));
  for (let damage = queue.shift(); damage; damage = queue.shift()) {
    options.signal?.throwIfAborted();
    repairs.push(await repairOne(context, {damage, damages}, options));
    if (damage.isUnread) queue.push(...(await readAfterAll(context, damage, options)));
  }
  return repairs;
}

/** What its owner could not read before may be damaged as well. */
async function readAfterAll(
  context: ImageContext,
  {file, finding: {images}}: Damage,
  {deep, signal}: RepairOptions,
): Promise<readonly Damage[]> {
  const faults = file ? await checkFile(context, file, {isDeep: deep ?? false, signal}) : [];
  return faults.flatMap((fault) => {
    const isNews = file !== null && !isAboutAccess(fault.code);
    return isNews ? [damageOf(context, {file, fault, images})] : [];
  });
}

interface Work {
  readonly damage: Damage;
  readonly damages: readonly Damage[];
}

async function repairOne(context: ImageContext, work: Work, options: CallOptions): Promise<Repair> {
  const {finding} = work.damage;
  try {
    const detail = await restore(context, work.damage, options);
    return detail === null
      ? {finding, outcome: 'kept', detail: 'nothing can be done here'}
      : {finding, outcome: 'repaired', detail};
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!isWinchError(error)) throw error;
    if (error.code === 'LAYER_UNNEEDED') return {finding, outcome: 'dropped', detail: error.message};
    const isLost = error.code === 'BLOB_UNRECOVERABLE' && !runsWithout(context, work);
    if (!isLost) return {finding, outcome: 'kept', detail: error.message};
    await context.store.write((database) => dropImages(database, usersOf(work.damage), context.now()));
    return {finding, outcome: 'dropped', detail: error.message};
  }
}

const usersOf = ({file}: Damage): readonly Digest[] => file?.users ?? [];

/** What was done; null: nothing. */
async function restore(context: ImageContext, damage: Damage, options: CallOptions): Promise<string | null> {
  const {file, finding} = damage;
  const {kind, object, path} = finding;
  if (kind === 'mode') {
    await setOwner(context.store.paths.root, {path, mode: object === 'directory' ? DIRECTORY_MODE : FILE_MODE});
    return 'its owner alone has access again';
  }
  if (file === null) return null;
  if (file.kind === 'blob') return await restoreBlob(context, file, options);
  await restoreLayer(context, file, options);
  return 'written again from its blob';
}

async function setOwner(root: string, {path, mode}: {readonly path: string; readonly mode: number}): Promise<void> {
  const file = join(root, path);
  try {
    const [owner, found] = [await stat(root), await stat(file)];
    if (found.uid !== owner.uid) await lchown(file, owner.uid, owner.gid);
    await chmod(file, mode);
  } catch (error) {
    throw storageError(error, file);
  }
}

/** Whether a lost blob is that of a layer whose file is there and whole. */
function runsWithout({store}: ImageContext, {damage, damages}: Work): boolean {
  const {object, digest} = damage.finding;
  if (object !== 'blob' || digest === null) return false;
  const isDamaged = (diffId: unknown) =>
    damages.some(({finding}) => finding.object === 'layer' && finding.digest === diffId && finding.kind !== 'mode');
  const files = store.read(
    (database) =>
      database.all(
        `SELECT chain.diff_id, layer.file_bytes FROM image_layer JOIN chain USING (chain_id) LEFT JOIN layer USING (diff_id)
         WHERE blob_digest = ?`,
        digest,
      ),
    [],
  );
  return files.length > 0 && files.every((row) => row.file_bytes !== null && !isDamaged(row.diff_id));
}

function dropImages(database: Database, manifestDigests: readonly Digest[], droppedAt: number): void {
  for (const tag of listTags(database)) {
    if (manifestDigests.includes(tag.manifestDigest)) deleteTag(database, tag.reference, droppedAt);
  }
  for (const manifestDigest of manifestDigests) {
    database.run("DELETE FROM index_part WHERE digest = ? AND kind = 'image'", manifestDigest);
    deleteImage(database, manifestDigest);
  }
}
