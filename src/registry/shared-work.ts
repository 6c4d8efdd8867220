import {untilAborted} from '../host/until-aborted.ts';

/** One piece of work under a key, for everybody who asks for it while it is under way. */
export interface SharedWork<T> {
  /**
   * Starts the work, or waits for the one that runs. Who is aborted leaves at once; the work itself is aborted when all
   * have left.
   */
  run(key: string, signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

interface Running<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
}

/** Opens a place where work is shared. */
export function openSharedWork<T>(): SharedWork<T> {
  const running = new Map<string, Running<T>>();
  const start = (key: string, work: (signal: AbortSignal) => Promise<T>): Running<T> => {
    const controller = new AbortController();
    const result = work(controller.signal);
    const started = {result, controller, waiting: 0};
    running.set(key, started);
    const forget = () => {
      if (running.get(key) === started) running.delete(key);
    };
    result.then(forget, forget);
    return started;
  };
  return {
    run: async (key, signal, work) => {
      signal?.throwIfAborted();
      const joined = running.get(key) ?? start(key, work);
      joined.waiting += 1;
      try {
        return await untilAborted(joined.result, signal);
      } finally {
        joined.waiting -= 1;
        if (joined.waiting === 0) {
          if (running.get(key) === joined) running.delete(key);
          joined.controller.abort();
        }
      }
    },
  };
}
