const WINDOW_MS = 3000;
/** One sample for so long, however many chunks come. */
const SAMPLE_MS = 100;

/** How fast something moves: bytes per second over the last three seconds. */
export interface RateMeter {
  /** 0 marks the moment from which on bytes are expected. */
  add(bytes: number): void;
  /** Takes back what turned out not to have moved just now. */
  discount(bytes: number): void;
  rate(): number;
}

export function createRateMeter(now: () => number): RateMeter {
  const samples: {readonly at: number; bytes: number}[] = [];
  let total = 0;
  const forget = (time: number) => {
    while (samples[0] && time - samples[0].at > WINDOW_MS) samples.shift();
  };
  return {
    add: (bytes) => {
      const time = now();
      total += bytes;
      forget(time);
      const latest = samples.at(-1);
      if (!latest || time - latest.at >= SAMPLE_MS) samples.push({at: time, bytes: total});
    },
    discount: (bytes) => {
      total -= bytes;
      for (const sample of samples) sample.bytes = Math.min(sample.bytes, total);
    },
    rate: () => {
      const time = now();
      forget(time);
      const [oldest] = samples;
      return oldest && time > oldest.at ? ((total - oldest.bytes) / (time - oldest.at)) * 1000 : 0;
    },
  };
}
