import type {RunningContainer, RuntimeExit} from '../runtime/runtime.ts';

export interface Supervision {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutSeconds?: number | undefined;
  /** What asks the container's first process to end. */
  readonly stopSignal: NodeJS.Signals | number;
}

export interface SupervisedExit extends RuntimeExit {
  readonly timedOut: boolean;
}

const FORWARDED: readonly NodeJS.Signals[] = [
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGCONT',
  'SIGWINCH',
];
/** How long a container may take to end after it was asked to. */
const GRACE_MS = 10_000;
/** Ctrl-C this often means it, whatever the container does with the signal. */
const IMPATIENT_SIGNALS = 3;

/**
 * Waits for a container to exit while passing on this process's signals.
 *
 * A first process without a handler ignores SIGINT and SIGTERM (pid_namespaces(7)), so the third of them kills.
 */
export async function supervise(container: RunningContainer, supervision: Supervision): Promise<SupervisedExit> {
  const undo: (() => void)[] = [forwardSignals(container)];
  let timedOut = false;
  const stop = () => undo.push(stopGently(container, supervision.stopSignal));
  if (supervision.timeoutSeconds !== undefined) {
    const timer = setTimeout(() => {
      timedOut = true;
      stop();
    }, supervision.timeoutSeconds * 1000);
    undo.push(() => clearTimeout(timer));
  }
  supervision.signal?.addEventListener('abort', stop, {once: true});
  undo.push(() => supervision.signal?.removeEventListener('abort', stop));
  try {
    return {...(await container.exited), timedOut};
  } finally {
    for (const step of undo) step();
  }
}

/**
 * Passes on the signals of this process.
 *
 * @returns what ends that.
 */
export function forwardSignals(target: {forward(signal: NodeJS.Signals): void; killAll(): unknown}): () => void {
  let interrupts = 0;
  const forward = (signal: NodeJS.Signals) => {
    if (signal === 'SIGINT' || signal === 'SIGTERM') interrupts += 1;
    if (interrupts >= IMPATIENT_SIGNALS) void target.killAll();
    else target.forward(signal);
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  return () => {
    for (const signal of FORWARDED) process.off(signal, forward);
  };
}

function stopGently(container: RunningContainer, stopSignal: NodeJS.Signals | number): () => void {
  container.forward(stopSignal);
  const timer = setTimeout(() => void container.killAll(), GRACE_MS);
  return () => clearTimeout(timer);
}
