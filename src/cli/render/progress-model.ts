import type {WinchEvent} from '../../events.ts';

const RATE_WINDOW_MS = 3000;

export interface Transfer {
  readonly digest: string;
  readonly receivedBytes: number;
  readonly totalBytes: number;
}

/** The state of a pull that a terminal draws, built up from events. */
export interface ProgressModel {
  apply(event: WinchEvent): void;
  /** What is going on, for a spinner; null once there is nothing to wait for. */
  activity(): string | null;
  /** Blobs on their way, oldest first. */
  transfers(): readonly Transfer[];
  /** All layers of the image; `receivedBytes` counts those that were already here. */
  total(): {readonly layers: number; readonly finished: number; readonly receivedBytes: number; readonly bytes: number};
  /** Bytes per second over the last three seconds. */
  rate(): number;
}

export function createProgressModel(now: () => number = () => performance.now()): ProgressModel {
  const active = new Map<string, Transfer>();
  const finished = new Set<string>();
  let layers: ReadonlyMap<string, number> = new Map();
  let activity: string | null = null;
  let samples: readonly {readonly at: number; readonly bytes: number}[] = [];
  let countedBytes = 0;

  const receive = (transfer: Transfer) => {
    countedBytes += Math.max(0, transfer.receivedBytes - (active.get(transfer.digest)?.receivedBytes ?? 0));
    active.set(transfer.digest, transfer);
    samples = [...samples.filter(({at}) => now() - at <= RATE_WINDOW_MS), {at: now(), bytes: countedBytes}];
  };
  const finish = (digest: string) => {
    active.delete(digest);
    finished.add(digest);
  };
  return {
    apply: (event) => {
      if (event.type === 'reference:resolving') activity = `looking for ${event.reference}`;
      if (event.type === 'manifest:resolved') {
        layers = new Map(event.layers.map(({digest, size}) => [digest, size]));
        activity = `pulling ${event.reference}`;
      }
      if (event.type === 'blob:waiting') activity = 'waiting for another download';
      if (event.type === 'blob:started') active.set(event.digest, {...event, receivedBytes: 0});
      if (event.type === 'blob:received') receive(event);
      if (event.type === 'blob:present' || event.type === 'blob:stored') finish(event.digest);
      if (event.type === 'bundle:copying') activity = `copying files to ${event.directory}`;
      if (event.type === 'image:stored') activity = null;
    },
    activity: () => activity,
    transfers: () => [...active.values()],
    total: () => {
      let receivedBytes = 0;
      let bytes = 0;
      for (const [digest, size] of layers) {
        bytes += size;
        receivedBytes += finished.has(digest) ? size : (active.get(digest)?.receivedBytes ?? 0);
      }
      const done = [...layers.keys()].filter((digest) => finished.has(digest)).length;
      return {layers: layers.size, finished: done, receivedBytes, bytes};
    },
    rate: () => {
      const [oldest, newest] = [samples[0], samples.at(-1)];
      if (!oldest || !newest || newest.at <= oldest.at) return 0;
      return ((newest.bytes - oldest.bytes) / (newest.at - oldest.at)) * 1000;
    },
  };
}
