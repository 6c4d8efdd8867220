import {type FSWatcher, watch} from 'node:fs';

/** Wakes whoever waits for a file to change. */
export interface FileWatch extends Disposable {
  /** Resolves when the file has changed since the last call, or after this long. */
  change(limitMs: number): Promise<void>;
}

/** Where the kernel tells of no changes (too many watches, some network file systems) every wait takes its limit. */
export function watchFile(path: string): FileWatch {
  let hasChanged = false;
  let wake = () => {};
  const watcher = startWatching(path, () => {
    hasChanged = true;
    wake();
  });
  return {
    change: async (limitMs) => {
      if (!hasChanged) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, limitMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      hasChanged = false;
    },
    [Symbol.dispose]: () => watcher?.close(),
  };
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
