import type {EventSink, WinchEvent} from '../events.ts';
import {monotonicMs} from '../host/monotonic-ms.ts';

/** A line of docker's progress. */
export interface ProgressLine {
  readonly status?: string;
  readonly id?: string;
  readonly progressDetail?: {readonly current?: number; readonly total?: number};
  /** For programs. */
  readonly aux?: Readonly<Record<string, unknown>>;
}

const SHORT_ID = 12;
const PAUSE_MS = 100;

/** What has come of a layer. */
export const layerLine = (digest: string, status: string): ProgressLine => ({
  status,
  progressDetail: {},
  id: digest.slice(digest.indexOf(':') + 1).slice(0, SHORT_ID),
});

/** How much of a layer has come. */
export const movingLine = (digest: string, status: string, [current, total]: readonly [number, number]) => ({
  ...layerLine(digest, status),
  progressDetail: {current, total},
});

/** What a slow client has not read stays in memory, so it gets to see less of what comes in great numbers. */
export function thinOut(onEvent: EventSink): EventSink {
  const told = new Map<string, number>();
  return (event) => {
    if (isFrequent(event)) {
      const now = monotonicMs();
      if (now - (told.get(event.digest) ?? Number.NEGATIVE_INFINITY) < PAUSE_MS) return;
      told.set(event.digest, now);
    }
    onEvent(event);
  };
}

const isFrequent = (event: WinchEvent): event is Extract<WinchEvent, {type: 'blob:received' | 'upload:sent'}> =>
  event.type === 'blob:received' || event.type === 'upload:sent';
