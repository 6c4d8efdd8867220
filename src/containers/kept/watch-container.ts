import {join} from 'node:path';
import {type FileWatch, watchFiles} from '../../host/watch-file.ts';
import type {ContainerContext} from '../context.ts';
import {placesOf} from './places.ts';
import {readStartNote} from './read-state.ts';

/** Where the kernel tells of no changes, and of what it never tells of (that a container is paused, say). */
const SHORT_MS = 100;
/** How long it may take to notice what leaves no trace in the store, such as the end of conmon by force. */
const LONG_MS = 1000;

/** Waits for something to become of a container. */
export interface ContainerWatch extends Disposable {
  /**
   * Resolves when it has been started, has ended or is gone, as far as that is told, at an abort, and after a second at
   * the latest.
   *
   * @param limitMs Less than that.
   */
  change(signal: AbortSignal | undefined, limitMs?: number): Promise<void>;
}

/** @param alsoWatched Files whose changes count as well. */
export function watchContainer(
  context: ContainerContext,
  id: string,
  alsoWatched: readonly string[] = [],
): ContainerWatch {
  const places = placesOf(context, id);
  const startOf = () => readStartNote(places)?.start;
  const open = (start: string | undefined): FileWatch =>
    watchFiles([places.directory, ...(start === undefined ? [] : [join(places.starts, start)]), ...alsoWatched]);
  let start = startOf();
  let watch = open(start);
  return {
    change: async (signal, limitMs = LONG_MS) => {
      const current = startOf();
      if (current === start) return await watch.change(Math.min(watch.isTold ? LONG_MS : SHORT_MS, limitMs), signal);
      watch[Symbol.dispose]();
      [start, watch] = [current, open(current)];
    },
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
}
