import {monotonicMs} from '../host/monotonic-ms.ts';
/**
 * Until when hosts asked not to be asked. One answer of 429 or 503 speaks for everybody on this machine, so all workers
 * of all processes share it.
 */
export interface HostPauses {
  /** Milliseconds that `host` (`name[:port]`) still wants to be left alone; 0: none. */
  remaining(host: string): number;
  /** Begins a pause or prolongs one; never shortens it. Returns whether this call began one. */
  begin(host: string, milliseconds: number): boolean;
}

/** Pauses that this process alone knows. */
export function createHostPauses(now: () => number = monotonicMs): HostPauses {
  const ends = new Map<string, number>();
  const remaining = (host: string) => Math.max(0, (ends.get(host) ?? 0) - now());
  return {
    remaining,
    begin: (host, milliseconds) => {
      const before = remaining(host);
      if (milliseconds > before) ends.set(host, now() + milliseconds);
      return before === 0 && milliseconds > 0;
    },
  };
}
