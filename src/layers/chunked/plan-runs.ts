import type {PlacedChunk} from './virtual-layer.ts';

/** Chunks that lie side by side in the blob, which come with one request. */
export interface ChunkRun {
  /** Where in the blob it begins and ends. */
  readonly start: number;
  readonly end: number;
  /** Of all its chunks. */
  readonly indexes: readonly number[];
  /** Of those that somebody waits for. */
  readonly wanted: ReadonlySet<number>;
}

export interface RunPlanner {
  /** @param wanted Numbers of chunks that are missing. */
  plan(wanted: readonly number[]): readonly ChunkRun[];
}

/** What lies between two chunks is fetched with them up to this: a request takes longer. */
const GAP_BYTES = 16 * 1024;
/** A request takes about as long as this much more of it, so that small files come with their neighbours. */
const LEAST_BYTES = 256 * 1024;
/** Of a layer of which much was read more will be. */
const MOST_BYTES = 2 * 1024 * 1024;
const GROWTH = 16;
/** Where one reads on and on: more ahead each time. */
const MOST_AHEAD_BYTES = 4 * 1024 * 1024;

/**
 * Decides what is fetched together.
 *
 * @param isMissing Whether a chunk is neither there nor on its way.
 */
export function createRunPlanner(chunks: readonly PlacedChunk[], isMissing: (index: number) => boolean): RunPlanner {
  const order = orderChunks(chunks);
  const window = createWindow();
  /** Of the last request. */
  let lastEnd = Number.NEGATIVE_INFINITY;
  /** From a place in the blob on; at least what is wanted, and neighbours up to the limit. */
  const extend = (first: number, wanted: ReadonlySet<number>, limit: number): ChunkRun => {
    const start = order.startAt(first);
    const indexes: number[] = [];
    let end = start;
    for (let place = order.firstOfStream(first); place < chunks.length; place++) {
      const index = order.indexAt(place);
      const isShared = order.startAt(place) === start;
      const {end: chunkEnd = 0, isZeros = false} = chunks[index] ?? {};
      // Of zeros there are a few bytes between the others, which end no run.
      if (isZeros) continue;
      const isNear = order.startAt(place) - end <= GAP_BYTES && chunkEnd - start <= limit;
      const isCovered = isShared || chunkEnd <= end;
      if (!isCovered && !(isNear && isMissing(index))) break;
      if (!isMissing(index)) continue;
      indexes.push(index);
      end = Math.max(end, chunkEnd);
    }
    lastEnd = end;
    return {start, end, indexes, wanted: new Set(indexes.filter((index) => wanted.has(index)))};
  };
  return {
    plan: (missing) => {
      const wanted = new Set(missing);
      const places = missing.map(order.placeOf).toSorted((a, b) => a - b);
      const ahead = order.startAt(places[0] ?? 0) - lastEnd;
      const limit = window.next(ahead >= 0 && ahead <= GAP_BYTES);
      const runs: ChunkRun[] = [];
      const planned = new Set<number>();
      for (const place of places) {
        if (planned.has(order.indexAt(place))) continue;
        const run = extend(place, wanted, limit);
        for (const index of run.indexes) planned.add(index);
        window.note(run.end - run.start);
        runs.push(run);
      }
      return runs;
    },
  };
}

/** Chunks in the order in which they lie in the blob. */
function orderChunks(chunks: readonly PlacedChunk[]) {
  const order = Uint32Array.from(chunks.keys()).sort((a, b) => (chunks[a]?.start ?? 0) - (chunks[b]?.start ?? 0));
  const places = new Uint32Array(chunks.length);
  for (const [place, index] of order.entries()) places[index] = place;
  const indexAt = (place: number): number => order[place] ?? 0;
  const startAt = (place: number): number => chunks[indexAt(place)]?.start ?? 0;
  return {
    indexAt,
    startAt,
    placeOf: (index: number): number => places[index] ?? 0,
    /** Chunks that share a packed stream are unpacked from its start. */
    firstOfStream: (place: number): number => {
      let first = place;
      while (first > 0 && startAt(first - 1) === startAt(place)) first -= 1;
      return first;
    },
  };
}

/** How much is fetched with one request. */
function createWindow() {
  let [ahead, fetchedBytes] = [LEAST_BYTES, 0];
  return {
    next: (isSequel: boolean): number => {
      const usual = Math.max(LEAST_BYTES, Math.min(MOST_BYTES, fetchedBytes / GROWTH));
      ahead = isSequel ? Math.min(MOST_AHEAD_BYTES, ahead * 2) : usual;
      return ahead;
    },
    note: (bytes: number): void => {
      fetchedBytes += bytes;
    },
  };
}
