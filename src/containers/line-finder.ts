import {StringDecoder} from 'node:string_decoder';

export interface FoundLine {
  readonly line: string;
  /** How many bytes of the last piece come after it. */
  readonly restBytes: number;
}

export interface LineFinder {
  /** @returns null: there is no such line yet. */
  add(piece: Buffer): FoundLine | null;
  /** The last line, which has no end, when it is one. */
  end(): string | null;
}

/** Of a longer line, the end decides. */
const LONGEST_LINE = 1024 * 1024;
const NEWLINE = 10;

/** Looks for a line in pieces of what a container prints. @param pattern What the line contains, or matches. */
export function createLineFinder(pattern: string | RegExp): LineFinder {
  const matches = (line: string) => (typeof pattern === 'string' ? line.includes(pattern) : line.search(pattern) >= 0);
  let decoder = new StringDecoder('utf8');
  let line = '';
  const append = (text: string) => {
    line = `${line}${text}`.slice(-LONGEST_LINE);
  };
  const take = (): string => {
    const whole = line.replace(/\r$/, '');
    line = '';
    decoder = new StringDecoder('utf8');
    return whole;
  };
  return {
    add: (piece) => {
      let start = 0;
      for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
        append(decoder.write(piece.subarray(start, end)) + decoder.end());
        start = end + 1;
        const whole = take();
        if (matches(whole)) return {line: whole, restBytes: piece.length - start};
      }
      append(decoder.write(piece.subarray(start)));
      return null;
    },
    end: () => {
      append(decoder.end());
      const last = take();
      return last !== '' && matches(last) ? last : null;
    },
  };
}
