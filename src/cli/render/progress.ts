import type {EventSink, WinchEvent} from '../../events.ts';
import {describeEvent} from './describe-event.ts';
import type {Output, Terminal} from './output.ts';
import {safeJson} from './safe-text.ts';

const NARROWEST_COLUMNS = 40;
const JSON_INTERVAL_MS = 100;

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

/** Reports events by lines on `output`; warnings in every mode. Terminals have `createTerminalProgress`. */
export function createLineProgress(
  mode: LineMode,
  output: Output,
  now: () => number = () => performance.now(),
): Progress {
  const stop = () => {};
  if (mode === 'json') return {onEvent: createJsonSink(output, now), stop};
  if (mode === 'plain') return {onEvent: (event) => writeLine(output, event), stop};
  return {onEvent: (event) => event.type === 'warning:raised' && writeLine(output, event), stop};
}

function writeLine(output: Output, event: WinchEvent): void {
  const line = describeEvent(event);
  if (line !== null) output.write(`${line}\n`);
}

// A fast registry reports thousands of chunks a second: one line in 100 ms for each blob, and always its last.
function createJsonSink(output: Output, now: () => number): EventSink {
  const lastWritten = new Map<string, number>();
  return (event) => {
    if (event.type === 'blob:received' && event.receivedBytes < event.totalBytes) {
      if (now() - (lastWritten.get(event.digest) ?? Number.NEGATIVE_INFINITY) < JSON_INTERVAL_MS) return;
      lastWritten.set(event.digest, now());
    }
    output.write(`${safeJson(event)}\n`);
  };
}
