import {monotonicMs} from '../host/monotonic-ms.ts';
import {exitCodeOfSignal, interruptedBy} from './exit-codes.ts';

const INTERRUPTING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const GRACE_MS = 1000;
// A terminal sends Ctrl-C to the whole process group, and npm or npx forward their copy: that is one Ctrl-C, not two.
const SAME_KEYSTROKE_MS = 100;

/** The signals that end a command, as an AbortSignal. */
export interface Interrupts {
  readonly signal: AbortSignal;
  /** Stops listening: from now on signals are somebody else's (the running container's), or kill as by default. */
  release(): void;
  /**
   * Leaves signals to a container, and kills by none of them: one Ctrl-C more than it needed comes when winch clears up.
   *
   * @returns what says that it has ended, or that nobody waits for that any more; signals that come a second later end the process at once.
   */
  handOver(): () => void;
  /** Runs what must not be lost before a signal ends the process at once. */
  beforeExit(hook: () => void): void;
}

export interface InterruptSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  exit(code: number): void;
}

/**
 * Aborts on SIGINT, SIGTERM and SIGHUP. A second signal, or one second without an end, exits at once: a call that does
 * not listen to its signal must not hold the terminal.
 */
export function listenForInterrupts(source: InterruptSource, now: () => number = monotonicMs): Interrupts {
  const controller = new AbortController();
  let firstAt: number | undefined;
  let deadline: NodeJS.Timeout | undefined;
  const hooks: (() => void)[] = [];
  const exit = (code: number) => {
    try {
      for (const hook of hooks) hook();
    } finally {
      source.exit(code);
    }
  };
  const interrupt = (signal: NodeJS.Signals) => {
    const code = exitCodeOfSignal(signal);
    if (firstAt === undefined) {
      firstAt = now();
      deadline = setTimeout(() => exit(code), GRACE_MS).unref();
      controller.abort(interruptedBy(signal));
    } else if (now() - firstAt > SAME_KEYSTROKE_MS) {
      exit(code);
    }
  };
  const release = () => {
    clearTimeout(deadline);
    for (const signal of INTERRUPTING_SIGNALS) source.off(signal, interrupt);
  };
  for (const signal of INTERRUPTING_SIGNALS) source.on(signal, interrupt);
  return {
    signal: controller.signal,
    release,
    handOver: () => {
      const noteEnd = leaveToContainer({source, now, exit});
      release();
      return noteEnd;
    },
    beforeExit: (hook) => void hooks.push(hook),
  };
}

interface ContainerSignals {
  readonly source: InterruptSource;
  now(): number;
  exit(code: number): void;
}

/** Nobody ever stops listening: the kernel would kill by the next signal. */
function leaveToContainer({source, now, exit}: ContainerSignals): () => void {
  let endedAt = Number.POSITIVE_INFINITY;
  for (const name of INTERRUPTING_SIGNALS) {
    source.on(name, (signal) => {
      if (now() - endedAt > GRACE_MS) exit(exitCodeOfSignal(signal));
    });
  }
  return () => {
    endedAt = now();
  };
}
