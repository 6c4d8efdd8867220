import {constants} from 'node:os';
import {WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';

/** First real-time signal that glibc leaves to programs, and the last one. */
const RTMIN = 34;
const RTMAX = 64;

/**
 * The number of a signal given as docker takes it: a number 1–64, a name with or without `SIG`, `RTMIN+n`, `RTMAX-n`;
 * in any case of letters.
 *
 * @throws {WinchError} `SIGNAL_INVALID`
 */
export function parseStopSignal(text: string): number {
  const word = text.trim().toUpperCase();
  const number = /^\d+$/.test(word) ? Number(word) : numberOfName(word.replace(/^SIG/, ''));
  if (number !== undefined && number >= 1 && number <= RTMAX) return number;
  throw new WinchError('SIGNAL_INVALID', `${excerpt(text)} is not a signal`, {
    kind: 'invalid',
    hint: 'use a name such as SIGTERM or RTMIN+3, or a number 1-64',
  });
}

function numberOfName(name: string): number | undefined {
  const realTime = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (realTime === null) return constants.signals[`SIG${name}` as NodeJS.Signals];
  const [, base, sign, distance = '0'] = realTime;
  if (sign !== undefined && sign !== (base === 'MIN' ? '+' : '-')) return undefined;
  const number = base === 'MIN' ? RTMIN + Number(distance) : RTMAX - Number(distance);
  return number >= RTMIN ? number : undefined;
}
