import type {Readable} from 'node:stream';
import type {LogPiece} from './log-records.ts';

export interface OutputStreams {
  readonly stdout?: Readable | null;
  readonly stderr?: Readable | null;
}

/**
 * Reads what comes from two streams as it comes, and no faster than it is asked for, until both have ended or are closed,
 * or until an abort, which is no error.
 */
export async function* mergeStreams(
  {stdout, stderr}: OutputStreams,
  until: AbortSignal,
): AsyncGenerator<LogPiece, void, void> {
  const sources = [{stream: 'stdout', readable: stdout} as const, {stream: 'stderr', readable: stderr} as const];
  const open = sources.flatMap(({stream, readable}) => (readable ? [{stream, readable}] : []));
  const changes = watchAll(
    open.map(({readable}) => readable),
    until,
  );
  try {
    for (;;) {
      const change = changes.next();
      if (until.aborted) return;
      for (const {stream, readable} of open) {
        for (let bytes = readable.read(); bytes !== null; bytes = readable.read()) yield {stream, bytes};
      }
      if (open.every(({readable}) => readable.readableEnded || readable.destroyed)) return;
      await change;
    }
  } finally {
    changes.end();
  }
}

const CHANGES = ['readable', 'end', 'error', 'close'] as const;

/** Tells of the next change of any of them since it was asked. */
function watchAll(streams: readonly Readable[], until: AbortSignal) {
  let wake = () => {};
  const onChange = () => wake();
  until.addEventListener('abort', onChange);
  for (const stream of streams) for (const event of CHANGES) stream.on(event, onChange);
  return {
    next: () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      }),
    end: () => {
      until.removeEventListener('abort', onChange);
      for (const stream of streams) for (const event of CHANGES) stream.off(event, onChange);
    },
  };
}

/** What comes from now on is for nobody, and does not keep this process. */
export function letFlow({stdout, stderr}: OutputStreams): void {
  for (const readable of [stdout, stderr]) {
    readable?.on('error', () => {}).resume();
    if (readable && 'unref' in readable && typeof readable.unref === 'function') readable.unref();
  }
}
