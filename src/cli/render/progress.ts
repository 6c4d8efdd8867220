import type {EventSink, WinchEvent} from '../../events.ts';
import {monotonicMs} from '../../host/monotonic-ms.ts';
import {describeEvent} from './describe-event.ts';
import type {Output, Terminal} from './output.ts';
import {heartbeatLine} from './progress-lines.ts';
import {createProgressModel, type Pace, type ProgressModel} from './progress-model.ts';
import {safeJson} from './safe-text.ts';
import {tellPausesOnce} from './tell-pauses-once.ts';

const NARROWEST_COLUMNS = 40;
const JSON_INTERVAL_MS = 100;
const HEARTBEAT_MS = {plain: 10_000, json: 1000};

export type LineMode = 'plain' | 'json' | 'none';

export interface Progress {
  readonly onEvent: EventSink;
  /** Clears what is being drawn, so that others can write; the next event may draw again. */
  stop(): void;
}

export interface ProgressChoice {
  readonly flag: 'auto' | 'plain' | 'json' | 'none' | undefined;
  readonly isQuiet: boolean;
  /** Null when standard error is none. */
  readonly terminal: Terminal | null;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** The terminal to draw on, or how to report by lines: bars need one that is wide enough, can move its cursor and is no
 * build's log. */
export function chooseProgress({flag = 'auto', isQuiet, terminal, variables}: ProgressChoice): Terminal | LineMode {
  if (flag !== 'auto') return flag;
  if (isQuiet) return 'none';
  const isBuild = variables.CI !== undefined && variables.CI !== '' && variables.CI !== 'false';
  const isNarrow = (terminal?.columns ?? NARROWEST_COLUMNS) < NARROWEST_COLUMNS;
  return terminal === null || isBuild || isNarrow || variables.TERM === 'dumb' ? 'plain' : terminal;
}

export interface LineProgressOptions {
  readonly now?: () => number;
  /** How long transfers may run in silence. Default: 10 s in plain lines, 1 s in JSON lines. */
  readonly heartbeatMs?: number;
}

/**
 * Reports events by lines on `output`; warnings in every mode. Terminals have `createTerminalProgress`.
 *
 * - `plain`: one line for each finished step, and how far all transfers are every ten seconds while there are any
 * - `json`: one object for each event, those of chunks at most every 100 ms for each blob and with `rate` (bytes per
 *   second) and `etaSeconds` (null: unknown); and every second `{type: 'progress:total', receivedBytes, totalBytes,
 *   sentBytes, totalSentBytes, rate, etaSeconds}` while there are transfers
 */
export function createLineProgress(mode: LineMode, output: Output, options: LineProgressOptions = {}): Progress {
  if (mode === 'none') {
    return {onEvent: (event) => event.type === 'warning:raised' && writeLine(output, event), stop: () => {}};
  }
  const {now = monotonicMs, heartbeatMs = HEARTBEAT_MS[mode]} = options;
  const model = createProgressModel(now);
  const beat =
    mode === 'json' ? () => writeTotal(output, model) : () => output.write(`${heartbeatLine(model.total())}\n`);
  const heart = createHeart({isBeating: () => model.transfers().length > 0, beat, everyMs: heartbeatMs});
  const report =
    mode === 'json'
      ? createJsonSink(output, {model, now})
      : tellPausesOnce((event: WinchEvent) => writeLine(output, event));
  return {
    onEvent: (event) => {
      model.apply(event);
      report(event);
      heart.look();
    },
    stop: heart.stop,
  };
}

function writeLine(output: Output, event: WinchEvent): void {
  const line = describeEvent(event);
  if (line !== null) output.write(`${line}\n`);
}

interface Heart {
  /** Starts to beat when there is something to beat for. */
  look(): void;
  stop(): void;
}

function createHeart(body: {isBeating(): boolean; beat(): void; readonly everyMs: number}): Heart {
  let timer: NodeJS.Timeout | null = null;
  const stop = () => {
    if (timer) clearInterval(timer);
    timer = null;
  };
  const tick = () => (body.isBeating() ? body.beat() : stop());
  return {
    look: () => {
      if (timer === null && body.isBeating()) timer = setInterval(tick, body.everyMs).unref();
    },
    stop,
  };
}

// A fast registry reports thousands of chunks a second: one line in 100 ms for each blob, and always its last.
function createJsonSink(output: Output, {model, now}: {readonly model: ProgressModel; readonly now: () => number}) {
  const lastWritten = new Map<string, number>();
  const isDue = (key: string, isLast: boolean): boolean => {
    if (!isLast && now() - (lastWritten.get(key) ?? Number.NEGATIVE_INFINITY) < JSON_INTERVAL_MS) return false;
    lastWritten.set(key, now());
    return true;
  };
  return (event: WinchEvent): void => {
    const chunk = chunkOf(event);
    if (chunk === null) return void output.write(`${safeJson(event)}\n`);
    const {direction, digest, isLast} = chunk;
    if (!isDue(`${direction} ${digest}`, isLast)) return;
    output.write(`${safeJson({...event, ...roundPace(model.pace(direction, digest))})}\n`);
  };
}

function chunkOf(event: WinchEvent) {
  if (event.type === 'blob:received') {
    const {digest, receivedBytes, totalBytes} = event;
    return {direction: 'download', digest, isLast: receivedBytes >= totalBytes} as const;
  }
  if (event.type !== 'upload:sent') return null;
  return {direction: 'upload', digest: event.digest, isLast: event.sentBytes >= event.totalBytes} as const;
}

function writeTotal(output: Output, model: ProgressModel): void {
  const {downloads, uploads, ...pace} = model.total();
  const {movedBytes: receivedBytes, bytes: totalBytes} = downloads;
  const {movedBytes: sentBytes, bytes: totalSentBytes} = uploads;
  const total = {type: 'progress:total', receivedBytes, totalBytes, sentBytes, totalSentBytes, ...roundPace(pace)};
  output.write(`${safeJson(total)}\n`);
}

const roundPace = ({rate, etaSeconds}: Pace): Pace => ({
  rate: Math.round(rate),
  etaSeconds: etaSeconds === null ? null : Number(etaSeconds.toFixed(1)),
});
