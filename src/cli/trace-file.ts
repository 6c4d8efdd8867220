import {accessSync, constants, realpathSync, renameSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {dirname, resolve} from 'node:path';
import {WinchError} from '../errors.ts';
import type {WinchEvent} from '../events.ts';
import {type Span, type SpanSink, spanClock} from '../trace.ts';
import {safeJson} from './render/safe-text.ts';
import {layOutTrace} from './render/trace-events.ts';

const FILE_MODE = 0o600;

/** What `--trace` writes: everything that was measured, when the command ends. */
export interface TraceFile {
  readonly onSpan: SpanSink;
  readonly onEvent: (event: WinchEvent) => void;
  /** Replaces the file; at once, since a process that is made to end waits for nothing. Later calls do nothing. */
  write(): void;
}

/**
 * Begins the trace of a command.
 *
 * @throws {WinchError} `TRACE_UNWRITABLE`, here already when the file cannot be made there
 */
export function openTraceFile(file: string, {command}: {readonly command: string}): TraceFile {
  const path = guarded(file, () => findPlace(file));
  const spans: Span[] = [];
  let isWritten = false;
  return {
    onSpan: (span) => void spans.push(span),
    onEvent: (event) => spans.push(...pausesOf(event)),
    write: () => {
      if (isWritten) return;
      isWritten = true;
      // The start of the process, so that loading winch shows as well.
      const [startMs, endMs] = [performance.timeOrigin, spanClock()];
      const root = {name: command, category: 'command', track: '', details: {}} as const;
      const all = [...spans.map((span) => cutAt(span, endMs)), {...root, startMs, durationMs: endMs - startMs}];
      guarded(file, () => replaceFile(path, `${safeJson(layOutTrace(all, command, startMs))}\n`));
    },
  };
}

/** The regular file of this name, or where there is none yet. */
function findPlace(file: string): string {
  const found = statSync(file, {throwIfNoEntry: false});
  if (found && !found.isFile()) throw unwritable(file, 'it is no regular file');
  const path = found ? realpathSync(file) : resolve(file);
  accessSync(dirname(path), constants.W_OK);
  return path;
}

function replaceFile(path: string, text: string): void {
  const staging = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(staging, text, {mode: FILE_MODE, flag: 'wx'});
    renameSync(staging, path);
  } catch (error) {
    rmSync(staging, {force: true});
    throw error;
  }
}

/** A pause is known before it is over. */
const cutAt = (span: Span, endMs: number): Span => ({
  ...span,
  durationMs: Math.min(span.durationMs, endMs - span.startMs),
});

function pausesOf(event: WinchEvent): readonly Span[] {
  if (event.type !== 'host:paused' && event.type !== 'request:retrying') return [];
  const {type, host, reason, delayMs} = event;
  const name = `${type === 'host:paused' ? 'pause' : 'retry'} ${host}`;
  return [{name, category: 'pause', track: host, startMs: spanClock(), durationMs: delayMs, details: {host, reason}}];
}

function guarded<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw unwritable(file, error.message);
  }
}

const unwritable = (file: string, why: string): WinchError =>
  new WinchError('TRACE_UNWRITABLE', `the trace ${file} cannot be written: ${why}`, {
    kind: 'invalid',
    hint: 'name a file in a directory that can be written',
  });
