import type {Span} from '../../trace.ts';

/** The format of Chrome's tracing, which Perfetto and speedscope read as well; times are microseconds. */
export interface TraceDocument {
  readonly displayTimeUnit: 'ms';
  readonly traceEvents: readonly TraceEvent[];
}

export type TraceEvent =
  | {readonly ph: 'M'; readonly name: string; readonly pid: 1; readonly tid: number; readonly args: object}
  | {
      readonly ph: 'X';
      readonly name: string;
      readonly cat: Span['category'];
      readonly pid: 1;
      readonly tid: number;
      readonly ts: number;
      readonly dur: number;
      readonly args: Span['details'];
    };

/** From top to bottom. */
const CATEGORIES: readonly Span['category'][] = ['command', 'pause', 'request', 'blob', 'layer', 'store'];
const LANES_OF_CATEGORY = 10_000;

/**
 * Lays spans out in lanes where none overlaps another that does not contain it: viewers draw only such.
 *
 * @param originMs The time that becomes 0.
 */
export function layOutTrace(spans: readonly Span[], title: string, originMs: number): TraceDocument {
  const microseconds = (ms: number) => Math.round((ms - originMs) * 1000);
  const traceEvents: TraceEvent[] = [{ph: 'M', name: 'process_name', pid: 1, tid: 0, args: {name: title}}];
  CATEGORIES.forEach((category, position) => {
    const lanes = fillLanes(groupSpans(spans.filter((span) => span.category === category)));
    lanes.forEach((lane, index) => {
      const tid = position * LANES_OF_CATEGORY + index + 1;
      const name = lanes.length === 1 ? category : `${category} ${index + 1}`;
      traceEvents.push({ph: 'M', name: 'thread_name', pid: 1, tid, args: {name}});
      traceEvents.push({ph: 'M', name: 'thread_sort_index', pid: 1, tid, args: {sort_index: tid}});
      for (const {name: spanName, startMs, durationMs, details} of lane) {
        const ts = microseconds(startMs);
        const dur = microseconds(startMs + durationMs) - ts;
        traceEvents.push({ph: 'X', name: spanName, cat: category, pid: 1, tid, ts, dur, args: details});
      }
    });
  });
  return {displayTimeUnit: 'ms', traceEvents};
}

/** A span with those inside it, each of which ends before the one around it does. */
interface Group {
  readonly spans: Span[];
  readonly startMs: number;
  readonly endMs: number;
  /** The ends of the spans around the next one, outermost first. */
  readonly openEnds: number[];
}

function groupSpans(spans: readonly Span[]): readonly Group[] {
  const groups: Group[] = [];
  const lastOfTrack = new Map<string, Group>();
  // An outer span comes before those that begin with it.
  for (const span of spans.toSorted((a, b) => a.startMs - b.startMs || b.durationMs - a.durationMs)) {
    const endMs = span.startMs + span.durationMs;
    if (join(lastOfTrack.get(span.track), span, endMs)) continue;
    const group = {spans: [span], startMs: span.startMs, endMs, openEnds: [endMs]};
    lastOfTrack.set(span.track, group);
    groups.push(group);
  }
  return groups;
}

function join(group: Group | undefined, span: Span, endMs: number): boolean {
  if (!group) return false;
  const {spans, openEnds} = group;
  while (openEnds.length > 0 && (openEnds.at(-1) ?? 0) <= span.startMs) openEnds.pop();
  if (openEnds.length === 0 || endMs > (openEnds.at(-1) ?? 0)) return false;
  spans.push(span);
  openEnds.push(endMs);
  return true;
}

function fillLanes(groups: readonly Group[]): readonly (readonly Span[])[] {
  const lanes: {readonly spans: Span[]; endMs: number}[] = [];
  for (const {spans, startMs, endMs} of groups) {
    const free = lanes.find((lane) => lane.endMs <= startMs);
    if (free) {
      free.spans.push(...spans);
      free.endMs = endMs;
    } else {
      lanes.push({spans: [...spans], endMs});
    }
  }
  return lanes.map(({spans}) => spans);
}
