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
  | {readonly type: 'blob:waiting'; readonly digest: string}
  | {readonly type: 'blob:started'; readonly digest: string; readonly totalBytes: number}
  | {
      readonly type: 'blob:received';
      readonly digest: string;
      readonly receivedBytes: number;
      readonly totalBytes: number;
    }
  | {readonly type: 'blob:present'; readonly digest: string; readonly size: number}
  | {readonly type: 'blob:stored'; readonly digest: string; readonly size: number}
  | {
      readonly type: 'layer:indexed';
      readonly digest: string;
      readonly diffId: string;
      readonly entries: number;
      readonly unpackedBytes: number;
    }
  | {
      readonly type: 'image:stored';
      readonly reference: string;
      readonly digest: string;
      readonly changed: boolean;
      readonly receivedBytes: number;
    }
  | {readonly type: 'bundle:copying'; readonly directory: string}
  | {readonly type: 'container:started'; readonly id: string}
  | {readonly type: 'container:exited'; readonly id: string; readonly exitCode: number}
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
