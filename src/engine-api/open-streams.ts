import {setTimeout as sleep} from 'node:timers/promises';

/** The standard streams of containers that clients of a server are connected to right now. */
export interface OpenStreams {
  /** Notes one until the work on it has ended. */
  note<T>(containerId: string, work: Promise<T>): Promise<T>;
  /**
   * Resolves when clients have been sent all that a container has printed that has ended: some take the answer to a wait
   * for the end of the output as well. One that does not listen is not waited for.
   */
  settle(containerId: string): Promise<void>;
}

const PATIENCE_MS = 1000;

export function createOpenStreams(): OpenStreams {
  const open = new Map<string, Set<Promise<unknown>>>();
  return {
    note: async (containerId, work) => {
      const own = open.get(containerId) ?? new Set();
      open.set(containerId, own.add(work));
      try {
        return await work;
      } finally {
        own.delete(work);
        if (own.size === 0 && open.get(containerId) === own) open.delete(containerId);
      }
    },
    settle: async (containerId) => {
      const own = open.get(containerId);
      if (own === undefined) return;
      await Promise.race([Promise.allSettled(own), sleep(PATIENCE_MS, undefined, {ref: false})]);
    },
  };
}
