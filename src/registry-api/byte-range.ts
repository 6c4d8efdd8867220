/** The part of a blob that is asked for, in bytes; `end` is not in it. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

const SINGLE = /^bytes=(\d{0,15})-(\d{0,15})$/;

/**
 * The one range of a `Range` header; null: none is asked for, or several, and all is sent. `unsatisfiable`: it lies behind
 * the end.
 *
 * @see RFC 9110 §14.2
 */
export function readRange(header: string | undefined, size: number): ByteRange | null | 'unsatisfiable' {
  const [match, first = '', last = ''] = SINGLE.exec(header ?? '') ?? [];
  if (match === undefined || (first === '' && last === '')) return null;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : {start: size - length, end: size};
  }
  const [start, end] = [Number(first), last === '' ? size : Math.min(Number(last) + 1, size)];
  if (last !== '' && Number(last) < start) return null;
  return start >= size ? 'unsatisfiable' : {start, end};
}
