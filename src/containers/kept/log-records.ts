import {WinchError} from '../../errors.ts';

/** Output of a container, as it was written. */
export interface LogPiece {
  readonly stream: 'stdout' | 'stderr';
  readonly bytes: Buffer;
}

export interface LogFilter {
  /** The first and the last moment that counts; absent: all. */
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
  /** Whether each line begins with the time at which it was written. */
  readonly timestamps?: boolean | undefined;
}

/** `2026-01-31T12:00:00.123456789+00:00 stdout F `: the time and the names of both streams are always as long. */
const TIME = 35;
const STREAM = TIME + 1;
const TAG = STREAM + 'stdout '.length;
const TEXT = TAG + 2;
const MILLISECONDS = '2026-01-31T12:00:00.123'.length;
const NANOSECONDS = '2026-01-31T12:00:00.123456789'.length;
const NEWLINE = 10;
const FULL = 'F'.charCodeAt(0);
const ERROR_INITIAL = 'e'.charCodeAt(0);
const ERROR_OFFSET = STREAM + 'std'.length;
/** Conmon writes at most 8 KiB at a time. */
const LONGEST_RECORD_BYTES = 1024 * 1024;

/** Whether a record, of which its bytes from the tag on are given, ends a line. */
export const endsLine = (tag: number): boolean => tag === FULL;
export const TAG_OFFSET = TAG;

/**
 * Reads the records of conmon's log (`k8s-file`) out of pieces of the file, in order; what a piece only begins is kept for
 * the next one. What is no record is passed on as it is.
 *
 * @throws {WinchError} `STORE_CORRUPT` for what has no end.
 */
export function createLogReader({since, until, timestamps = false}: LogFilter) {
  const [first, last] = [since, until].map((date) => date?.toISOString().slice(0, MILLISECONDS));
  const isInside = {stdout: false, stderr: false};
  let rest: Buffer = Buffer.alloc(0);
  const readRecord = (record: Buffer, add: (stream: LogPiece['stream'], bytes: Buffer) => void) => {
    const time = record.length > TEXT ? record.toString('latin1', 0, TIME) : '';
    if (!/^\d{4}-\d\d-\d\dT/.test(time)) return add('stdout', record);
    const moment = time.slice(0, MILLISECONDS);
    const stream = record[ERROR_OFFSET] === ERROR_INITIAL ? 'stderr' : 'stdout';
    const isFull = endsLine(record[TAG] ?? 0);
    const beginsLine = !isInside[stream];
    isInside[stream] = !isFull;
    if ((first !== undefined && moment < first) || (last !== undefined && moment > last)) return;
    if (timestamps && beginsLine) add(stream, Buffer.from(`${time.slice(0, NANOSECONDS)}Z `));
    add(stream, record.subarray(TEXT, isFull ? record.length : -1));
  };
  return (piece: Buffer): readonly LogPiece[] => {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    const pieces = collectPieces();
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      readRecord(bytes.subarray(start, end + 1), pieces.add);
      start = end + 1;
    }
    rest = Buffer.from(bytes.subarray(start));
    if (rest.length > LONGEST_RECORD_BYTES) throw damagedLog();
    return pieces.all();
  };
}

/** Neighbours of one stream become one piece: a write for each line would take longer than all else. */
function collectPieces() {
  const groups: {readonly stream: LogPiece['stream']; readonly parts: Buffer[]}[] = [];
  return {
    add: (stream: LogPiece['stream'], bytes: Buffer) => {
      const last = groups.at(-1);
      if (last?.stream === stream) last.parts.push(bytes);
      else groups.push({stream, parts: [bytes]});
    },
    all: (): readonly LogPiece[] => groups.map(({stream, parts}) => ({stream, bytes: Buffer.concat(parts)})),
  };
}

const damagedLog = (): WinchError =>
  new WinchError('STORE_CORRUPT', "the container's log holds what conmon does not write", {
    kind: 'corrupt',
    hint: 'the container itself is not affected',
  });
