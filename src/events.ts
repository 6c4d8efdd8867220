/** Another process of this machine. */
export interface ProcessFacts {
  readonly pid: number;
  /** `winch` with its command, else the name of the program. */
  readonly command: string;
  /** Since the process was started. */
  readonly runningSeconds: number;
}

/** What happens while winch works, as data. `digest` is a full digest, sizes are bytes. */
export type WinchEvent =
  | {readonly type: 'reference:resolving'; readonly reference: string}
  | {
      readonly type: 'manifest:resolved';
      readonly reference: string;
      /** The digest that the tag names (of the index, when there is one). */
      readonly digest: string;
      readonly platform: string;
      /** Compressed layers, base first. */
      readonly layers: readonly {readonly digest: string; readonly size: number}[];
    }
  | {
      readonly type: 'blob:waiting';
      readonly digest: string;
      /** The process that is at it; null when it is this one, or not known. */
      readonly holder?: ProcessFacts | null;
    }
  | {readonly type: 'blob:started'; readonly digest: string; readonly totalBytes: number}
  | {
      readonly type: 'blob:received';
      readonly digest: string;
      readonly receivedBytes: number;
      readonly totalBytes: number;
    }
  /** Bytes from an earlier attempt count; only what lies behind `offset` is asked for. */
  | {
      readonly type: 'blob:resumed';
      readonly digest: string;
      readonly offset: number;
      readonly totalBytes: number;
    }
  | {readonly type: 'blob:present'; readonly digest: string; readonly size: number}
  /** `from`: out of a cache of this machine, and only its layer. */
  | {readonly type: 'blob:stored'; readonly digest: string; readonly size: number; readonly from?: 'cache'}
  /** How far a check has read the store. */
  | {readonly type: 'store:reading'; readonly readBytes: number; readonly totalBytes: number}
  | {
      readonly type: 'layer:indexed';
      readonly digest: string;
      readonly diffId: string;
      readonly entries: number;
      readonly unpackedBytes: number;
    }
  /** A layer is being extracted, on a machine that cannot mount it as it is. */
  | {readonly type: 'layer:extracting'; readonly diffId: string}
  | {
      readonly type: 'image:stored';
      readonly reference: string;
      readonly digest: string;
      readonly changed: boolean;
      readonly receivedBytes: number;
    }
  | {readonly type: 'upload:started'; readonly digest: string; readonly totalBytes: number}
  | {readonly type: 'upload:sent'; readonly digest: string; readonly sentBytes: number; readonly totalBytes: number}
  | {
      readonly type: 'upload:finished';
      readonly digest: string;
      readonly size: number;
      /** `mounted`: taken from another repository of the same registry. */
      readonly outcome: 'uploaded' | 'mounted' | 'present';
    }
  | {
      readonly type: 'image:copied';
      readonly source: string;
      readonly target: string;
      readonly digest: string;
      /** Whether the target named something else before. */
      readonly changed: boolean;
      readonly sentBytes: number;
    }
  | {
      readonly type: 'request:retrying';
      readonly host: string;
      /** One line: what went wrong. */
      readonly reason: string;
      /** 1 for the first repetition. */
      readonly attempt: number;
      readonly delayMs: number;
    }
  /** A host asked for a pause; everybody keeps it. Told once for each pause. */
  | {readonly type: 'host:paused'; readonly host: string; readonly reason: string; readonly delayMs: number}
  | {readonly type: 'mirror:failed'; readonly registry: string; readonly mirror: string; readonly reason: string}
  | {readonly type: 'bundle:copying'; readonly directory: string}
  /** Files of an image are being copied to this machine, for more than a moment. */
  | {readonly type: 'files:copying'; readonly destination: string}
  /** How much of a root file system is there; `bytes` are of content. */
  | {
      readonly type: 'bundle:written';
      readonly directory: string;
      readonly entries: number;
      readonly totalEntries: number;
      readonly bytes: number;
      readonly totalBytes: number;
    }
  /** An archive that can be read only once, or has to be unpacked first. `totalBytes` null: not known before its end. */
  | {
      readonly type: 'archive:reading';
      readonly archive: string;
      readonly readBytes: number;
      readonly totalBytes: number | null;
    }
  /** All blobs are there, and become one file. */
  | {
      readonly type: 'archive:packing';
      readonly archive: string;
      readonly packedBytes: number;
      readonly totalBytes: number;
    }
  | {readonly type: 'container:started'; readonly id: string}
  | {readonly type: 'container:exited'; readonly id: string; readonly exitCode: number}
  /** Nobody waits for its end any more: the run has failed with what its call rejects with, and is cleared. */
  | {readonly type: 'container:abandoned'; readonly id: string}
  /** A further process is about to run in the container, and gets the signals of this one from now on. */
  | {readonly type: 'exec:started'; readonly id: string}
  | {readonly type: 'warning:raised'; readonly code: string; readonly message: string};

/** Receives events. Never awaited; what it throws is the caller's own error. */
export type EventSink = (event: WinchEvent) => void;

/** What every call that takes time accepts. */
export interface CallOptions {
  /** Ends the call; it then rejects with `signal.reason` and leaves nothing half-done. */
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: EventSink | undefined;
}

/**
 * Runs `work` with a sink and yields its events as they come.
 *
 * Ends when `work` settles; its rejection is thrown after the last event. Leaving the loop early does not stop `work`:
 * abort its signal for that.
 */
export async function* iterateEvents(work: (onEvent: EventSink) => Promise<unknown>): AsyncGenerator<WinchEvent> {
  const queue: WinchEvent[] = [];
  let wake = () => {};
  let settled = false;
  const done = work((event) => {
    queue.push(event);
    wake();
  }).finally(() => {
    settled = true;
    wake();
  });
  done.catch(() => {});
  while (true) {
    for (let event = queue.shift(); event; event = queue.shift()) yield event;
    if (settled) break;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  await done;
}
