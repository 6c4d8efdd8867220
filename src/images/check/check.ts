import {relative} from 'node:path';
import {isWinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {runTogether} from '../../host/run-together.ts';
import type {Digest} from '../../oci/digest.ts';
import {type ExpectedFile, findDatabaseFaults, listExpectedFiles} from '../../store/expected-files.ts';
import {type FoundFiles, findFiles, statFile} from '../../store/found-files.ts';
import {findImage} from '../../store/image-records.ts';
import type {Store} from '../../store/store.ts';
import type {ImageContext} from '../context.ts';
import {type ImageName, nameImage} from '../inspect.ts';
import {checkFile, pathOf} from './check-file.ts';
import type {Finding} from './finding.ts';
import {rebuildDatabase} from './rebuild-database.ts';
import {type Damage, type Repair, repairDamages} from './repair.ts';

export interface CheckOptions extends CallOptions {
  /** Reads every byte: blobs against their digests, layer files against their tars. */
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

/** Blobs are hashed on this thread while others read layer files. */
const FILES_AT_ONCE = 4;
const OTHERS = 0o077;

/**
 * Holds the store's files against its database, and the other way round.
 *
 * Readers and pulls go on meanwhile; nothing is removed while it reads. What is found is data: damage is no failure.
 *
 * @throws {WinchError} `STORE_DENIED` | `STORE_IO` | `STORE_NEWER`
 */
export async function checkStore(context: ImageContext, options: CheckOptions = {}): Promise<CheckReport> {
  const {store} = context;
  const isPresent = statFile(store.paths.root) !== null;
  using _lease = isPresent ? await store.readerLease(options.signal) : null;
  const seen = readGraph(store);
  const rebuilt = options.repair ? await rebuild(context, seen.damages, options) : [];
  const graph = rebuilt.length > 0 ? readGraph(store) : seen;
  const inFiles = [...findOpenDirectories(store, graph), ...(await checkFiles(context, graph, options))];
  const findings = [...[...seen.damages, ...inFiles].map(({finding}) => finding), ...findExtras(store, graph)];
  const repairs = [...rebuilt, ...(options.repair ? await repairDamages(context, inFiles, options) : [])];
  return {
    findings,
    repairs,
    isClean: options.repair
      ? repairs.every(({outcome}) => outcome !== 'kept')
      : findings.every(({isDamage}) => !isDamage),
    checkedFiles: graph.expected.length,
    checkedBytes: graph.expected.reduce((sum, {bytes}) => sum + (bytes ?? 0), 0),
    droppedBlobs: graph.droppedBlobs,
  };
}

/** One new database makes every fault of the old one good. */
async function rebuild(context: ImageContext, damages: readonly Damage[], options: CallOptions): Promise<Repair[]> {
  if (damages.length === 0) return [];
  const detail = await rebuildDatabase(context, options);
  return damages.map(({finding}) => ({finding, outcome: 'repaired', detail}));
}

interface Graph {
  readonly expected: readonly ExpectedFile[];
  readonly droppedBlobs: number;
  readonly names: ReadonlyMap<Digest, ImageName>;
  readonly found: FoundFiles;
  /** About the database itself. */
  readonly damages: readonly Damage[];
}

/** Rows first, then files: what a pull adds in between has no row, and is no damage. */
function readGraph(store: Store): Graph {
  const absent = {expected: [], names: new Map<Digest, ImageName>(), faults: []};
  const rows = readRows(store, absent);
  const found = findFiles(store.paths);
  const isMissing = statFile(store.paths.database) === null && found.blobs.length > 0;
  const faults = isMissing ? ['it is not there'] : rows.faults;
  const damages = faults.map((detail) => ({
    users: [],
    finding: {
      kind: isMissing ? 'missing' : 'content',
      object: 'database',
      digest: null,
      path: relative(store.paths.root, store.paths.database),
      detail,
      isDamage: true,
      images: [],
      canRepair: true,
    } as const,
  }));
  const isGone = (file: ExpectedFile) => file.isDropped && statFile(pathOf(store.paths, file)) === null;
  const expected = rows.expected.filter((file) => !isGone(file));
  return {...rows, expected, droppedBlobs: rows.expected.length - expected.length, found, damages};
}

type Rows = Pick<Graph, 'expected' | 'names'> & {readonly faults: readonly string[]};

function readRows(store: Store, absent: Rows): Rows {
  try {
    return store.read<Rows>((database) => {
      const expected = listExpectedFiles(database);
      const users = [...new Set(expected.flatMap((file) => file.users))].filter((user) => findImage(database, user));
      const names = new Map(users.map((digest) => [digest, nameImage(database, digest)]));
      return {expected, names, faults: findDatabaseFaults(database)};
    }, absent);
  } catch (error) {
    if (!isWinchError(error, 'STORE_CORRUPT')) throw error;
    return {...absent, faults: ['SQLite cannot read it']};
  }
}

async function checkFiles(context: ImageContext, {expected, names}: Graph, options: CheckOptions) {
  const damages: Damage[] = [];
  const {paths} = context.store;
  const largestFirst = expected.toSorted((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0));
  const tasks = largestFirst.map((file) => async (signal: AbortSignal) => {
    for (const {kind, detail} of await checkFile(context, file, {isDeep: options.deep ?? false, signal})) {
      const images = file.users.flatMap((user) => names.get(user) ?? []);
      const path = relative(paths.root, pathOf(paths, file));
      const {kind: object, digest} = file;
      const finding = {kind, object, digest, path, detail, isDamage: true, images, canRepair: true};
      damages.push({finding, users: file.users});
    }
  });
  await runTogether(tasks, {limit: FILES_AT_ONCE, signal: options.signal});
  return damages.toSorted((a, b) => (a.finding.path < b.finding.path ? -1 : 1));
}

/** Containers' own directories are theirs. */
function findOpenDirectories({paths}: Store, {found}: Graph): readonly Damage[] {
  const open = found.directories.filter((path) => ((statFile(path)?.mode ?? 0) & OTHERS) !== 0);
  return open.map((path) => ({
    users: [],
    finding: {
      ...{kind: 'mode', object: 'directory', digest: null, path: relative(paths.root, path), images: []},
      ...{detail: 'others than its owner may enter it', isDamage: true, canRepair: true},
    },
  }));
}

function findExtras({paths}: Store, {expected, found}: Graph): readonly Finding[] {
  const known = new Set(expected.map((file) => relative(paths.root, pathOf(paths, file))));
  const extra = (object: Finding['object'], path: string, detail: string, digest: Digest | null = null): Finding => ({
    ...{kind: 'extra', object, digest, path: relative(paths.root, path), detail},
    ...{isDamage: false, images: [], canRepair: false},
  });
  const unneeded = 'no image needs it';
  return [
    ...found.blobs.map((digest) => extra('blob', paths.blob(digest), unneeded, digest)),
    ...found.layers.map((digest) => extra('layer', paths.layer(digest), unneeded, digest)),
    ...found.unnamed.map((path) => extra('file', path, 'it has no digest for its name')),
    ...found.leftovers.map((path) => extra('file', path, 'somebody has not finished with it')),
  ].filter(({path}) => !known.has(path));
}
