import type {CallOptions} from '../../events.ts';
import type {Digest} from '../../oci/digest.ts';
import type {ImageContext} from '../context.ts';
import {checkFiles} from './check-files.ts';
import {checkMerged, dropMerged} from './check-merged.ts';
import {checkTrees, dropTrees} from './check-trees.ts';
import {findExtras, findOpenPlaces} from './find-extras.ts';
import type {Finding} from './finding.ts';
import {lockRepair} from './lock-repair.ts';
import {readGraph, type StoredGraph} from './read-graph.ts';
import {rebuildDatabase} from './rebuild-database.ts';
import {type Repair, repairDamages} from './repair.ts';
import {rewriteLayout} from './rewrite-layout.ts';

export interface CheckOptions extends CallOptions {
  /**
   * Reads every byte: blobs against their digests, layer files against their tars. Manifests, configs and indexes are read
   * always.
   */
  readonly deep?: boolean | undefined;
  /** Makes good what was found, and drops the images of which something cannot be had again. */
  readonly repair?: boolean | undefined;
}

export type {Finding, Repair};

export interface CheckReport {
  /** Damage first. */
  readonly findings: readonly Finding[];
  /** One for each damage when a repair was asked for. */
  readonly repairs: readonly Repair[];
  /** Whether there is no damage, or none is left. */
  readonly isClean: boolean;
  readonly checkedFiles: number;
  readonly checkedBytes: number;
  /** Blobs that are not there on purpose, since their layers are unpacked; no damage. */
  readonly droppedBlobs: number;
}

/**
 * Holds the store's files against its database, and the other way round.
 *
 * Readers and pulls go on meanwhile, and so do removals: what was removed while it read is no damage. What is found is
 * data: damage is no failure.
 *
 * @throws {WinchError} `STORE_DENIED` | `STORE_IO` | `STORE_NEWER`; of a repair `STORE_READ_ONLY` and `STORE_LOCKED`:
 * another process uses the damaged database, or repairs
 */
export async function checkStore(context: ImageContext, options: CheckOptions = {}): Promise<CheckReport> {
  using repair = options.repair ? lockRepair(context.store) : null;
  if (repair === null) return await checkAndRepair(context, {...options, repair: false});
  using lease = await context.store.lease(options.signal);
  return await checkAndRepair({...context, lease}, options);
}

async function checkAndRepair(context: ImageContext, options: CheckOptions): Promise<CheckReport> {
  const {store} = context;
  const seen = readGraph(store);
  // What a damaged database does not name, and what is still to be had again, is kept meanwhile.
  await context.lease?.claim(digestsOf(seen));
  const rebuilt = options.repair ? await rebuild(context, seen.faults, options) : [];
  const graph = rebuilt.length > 0 ? readGraph(store) : seen;
  const damages = [...findOpenPlaces(store.paths, graph), ...(await checkFiles(context, graph.expected, options))];
  const trees = await checkTrees(context, graph.expected, options);
  const merged = await checkMerged(context, options);
  const extras = [...findExtras(store.paths, graph), ...trees.filter(({isDamage}) => !isDamage)];
  const repairs = [...rebuilt, ...(options.repair ? await repairDamages(context, damages, options) : [])];
  if (options.repair) repairs.push(...(await rewriteLayout(store, extras)));
  // Whatever is written tells other tools what the database says.
  if (options.repair && !graph.isLayoutCurrent) await store.write(() => {});
  if (options.repair)
    repairs.push(...(await dropTrees(context, trees, options)), ...(await dropMerged(context, merged)));
  const copies = [...trees.filter(({isDamage}) => isDamage), ...merged];
  const found = [...seen.faults, ...damages.map(({finding}) => finding), ...copies];
  const findings = [...found, ...extras];
  return {
    findings,
    repairs,
    isClean: options.repair ? repairs.every(({outcome}) => outcome !== 'kept') : found.length === 0,
    checkedFiles: graph.expected.length,
    checkedBytes: graph.expected.reduce((sum, {bytes}) => sum + (bytes ?? 0), 0),
    droppedBlobs: graph.droppedBlobs,
  };
}

const digestsOf = ({expected, found}: StoredGraph): readonly Digest[] => [
  ...expected.map(({digest}) => digest),
  ...found.blobs,
  ...found.layers,
];

/** One new database makes every fault of the old one good. */
async function rebuild(context: ImageContext, faults: readonly Finding[], options: CallOptions): Promise<Repair[]> {
  if (faults.length === 0) return [];
  const detail = await rebuildDatabase(context, options);
  return faults.map((finding) => ({finding, outcome: 'repaired', detail}));
}
