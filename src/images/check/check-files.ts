import {relative} from 'node:path';
import {setImmediate} from 'node:timers/promises';
import type {CallOptions, EventSink} from '../../events.ts';
import {runTogether} from '../../host/run-together.ts';
import {
  type ExpectedFile,
  keyOfFile,
  listExpectedFiles,
  listUsers,
  type NeededFile,
} from '../../store/expected-files.ts';
import {findImage} from '../../store/image-records.ts';
import type {ImageContext} from '../context.ts';
import {type ImageName, nameImage} from '../inspect.ts';
import {checkFile, type FileFault, pathOf} from './check-file.ts';
import {createFinding, type Finding} from './finding.ts';

/** A finding with the file that it is about, which it hurts the images of. */
export interface Damage {
  readonly finding: Finding;
  /** Null: it is about no single file that images need. */
  readonly file: NeededFile | null;
  /** Whether the bytes of the file could not be looked at. */
  readonly isUnread: boolean;
}

export interface CheckFilesOptions extends CallOptions {
  readonly deep?: boolean | undefined;
}

/** Reading waits for disks while threads hash. */
const FILES_AT_ONCE = 8;
const PAUSE_AFTER_FILES = 256;
const TELL_EVERY_MS = 100;

/** Holds every file against what the graph says of it. @returns what is wrong, by path */
export async function checkFiles(
  context: ImageContext,
  expected: readonly ExpectedFile[],
  {deep = false, signal, onEvent}: CheckFilesOptions,
): Promise<readonly Damage[]> {
  const faulty: FaultyFile[] = [];
  using progress = tellProgress(deep ? onEvent : undefined, totalBytes(expected));
  const {counter} = progress;
  const tasks = longestFirst(expected).map((file, at) => async (stop: AbortSignal) => {
    // Most files take microseconds, and signals are heard only in between.
    if (at % PAUSE_AFTER_FILES === 0) await setImmediate();
    stop.throwIfAborted();
    const faults = await checkFile(context, file, {isDeep: deep, counter, signal: stop});
    faulty.push(...faults.map((fault) => ({file, fault})));
  });
  await runTogether(tasks, {limit: FILES_AT_ONCE, signal});
  if (faulty.length === 0) return [];
  return nameDamages(context, faulty).toSorted((a, b) => (a.finding.path < b.finding.path ? -1 : 1));
}

/** Images may be removed, and their files collected, while others are read: that is no damage. */
function nameDamages(context: ImageContext, faulty: readonly FaultyFile[]): readonly Damage[] {
  return context.store.read<readonly Damage[]>((database) => {
    const still = new Set(listExpectedFiles(database).map(keyOfFile));
    const users = listUsers(database);
    return faulty.flatMap(({file, fault}) => {
      if (!still.has(keyOfFile(file))) return [];
      const needed = {...file, users: users.get(keyOfFile(file)) ?? []};
      const named = needed.users.filter((user) => findImage(database, user));
      return [damageOf(context, {file: needed, fault, images: named.map((user) => nameImage(database, user))})];
    });
  }, []);
}

interface FaultyFile {
  readonly file: ExpectedFile;
  readonly fault: FileFault;
}

interface Faulty extends FaultyFile {
  readonly file: NeededFile;
  readonly images: readonly ImageName[];
}

export function damageOf({store: {paths}}: ImageContext, {file, fault, images}: Faulty): Damage {
  const path = relative(paths.root, fault.path ?? pathOf(paths, file));
  const {code, detail} = fault;
  return {
    file,
    isUnread: fault.isUnread ?? false,
    finding: createFinding({code, detail, path, digest: file.digest, images}),
  };
}

/** A layer takes about twice as long as a blob of its size. */
const longestFirst = (files: readonly ExpectedFile[]): readonly ExpectedFile[] => {
  const cost = ({kind, bytes}: ExpectedFile) => (bytes ?? 0) * (kind === 'layer' ? 2 : 1);
  return files.toSorted((a, b) => cost(b) - cost(a));
};

/** What a deep check hashes. */
const totalBytes = (files: readonly ExpectedFile[]): number =>
  files.reduce((sum, {kind, bytes, tarBytes}) => sum + (kind === 'layer' ? tarBytes : (bytes ?? 0)), 0);

/** Threads count what they have read in memory that they share with this one, which looks now and then. */
function tellProgress(onEvent: EventSink | undefined, total: number): Disposable & {readonly counter: BigInt64Array} {
  const counter = new BigInt64Array(new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT));
  const tell = () => onEvent?.({type: 'store:reading', readBytes: Number(Atomics.load(counter, 0)), totalBytes: total});
  const timer = onEvent && setInterval(tell, TELL_EVERY_MS).unref();
  return {
    counter,
    [Symbol.dispose]: () => {
      clearInterval(timer);
      tell();
    },
  };
}
