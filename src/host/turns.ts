/** Leave to do something that a limited number may do at once; ends once. */
export interface Turn extends Disposable {
  end(): void;
}

export interface Turns {
  /**
   * Waits for a turn; those who ask first get theirs first.
   *
   * @throws `signal.reason` on abort, also where a turn would be free.
   */
  take(signal?: AbortSignal): Promise<Turn>;
}

/** @param count Turns at a time; at least 1. */
export function createTurns(count: number): Turns {
  const waiting = new Set<() => void>();
  let free = count;
  const giveBack = (): void => {
    const [next] = waiting;
    if (next === undefined) free += 1;
    else next();
  };
  const hold = (): Turn => {
    let isHeld = true;
    const end = () => {
      if (!isHeld) return;
      isHeld = false;
      giveBack();
    };
    return {end, [Symbol.dispose]: end};
  };
  const wait = (signal: AbortSignal | undefined): Promise<Turn> =>
    new Promise((resolve, reject) => {
      const settle = () => {
        waiting.delete(start);
        signal?.removeEventListener('abort', leave);
      };
      const start = () => {
        settle();
        resolve(hold());
      };
      const leave = () => {
        settle();
        reject(signal?.reason);
      };
      waiting.add(start);
      signal?.addEventListener('abort', leave);
    });
  return {
    take: async (signal) => {
      signal?.throwIfAborted();
      if (free === 0) return await wait(signal);
      free -= 1;
      return hold();
    },
  };
}
