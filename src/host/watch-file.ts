import {type FSWatcher, watch} from 'node:fs';

/** Wakes whoever waits for files to change. */
export interface FileWatch extends Disposable {
  /** Whether the kernel tells of changes, so that few have to be looked for. */
  readonly isTold: boolean;
  /** Resolves when one of the files has changed since the last call, after this long, or at an abort. */
  change(limitMs: number, signal?: AbortSignal): Promise<void>;
}

/** Where the kernel tells of no changes (too many watches, some network file systems) every wait takes its limit. */
export const watchFile = (path: string): FileWatch => watchFiles([path]);

/** As `watchFile`, of several; of a directory, its entries. */
export function watchFiles(paths: readonly string[]): FileWatch {
  let hasChanged = false;
  let wake = () => {};
  const watchers = paths.map((path) =>
    startWatching(path, () => {
      hasChanged = true;
      wake();
    }),
  );
  return {
    isTold: !watchers.includes(null),
    change: async (limitMs, signal) => {
      if (!hasChanged && !signal?.aborted) await waitFor(limitMs, signal, (resolve) => (wake = resolve));
      hasChanged = false;
    },
    [Symbol.dispose]: () => {
      for (const watcher of watchers) watcher?.close();
    },
  };
}

async function waitFor(limitMs: number, signal: AbortSignal | undefined, arm: (wake: () => void) => void) {
  const {promise, resolve} = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, limitMs);
  const onAbort = () => resolve();
  signal?.addEventListener('abort', onAbort, {once: true});
  arm(resolve);
  await promise;
  clearTimeout(timer);
  signal?.removeEventListener('abort', onAbort);
}

function startWatching(path: string, onChange: () => void): FSWatcher | null {
  try {
    const watcher = watch(path, {persistent: false}, onChange);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return null;
  }
}
