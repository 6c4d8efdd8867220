import {WinchError} from '../../errors.ts';

const LONGEST_QUOTE = 100;

/** A flag's value that cannot be used. `expected` completes "write …". */
export const flagInvalid = (flag: string, problem: string, expected: string): WinchError =>
  new WinchError('FLAG_INVALID', `${flag}: ${problem}`, {kind: 'invalid', hint: `write ${expected}`});

/** Flags that contradict each other, or that need one another. */
export const flagsConflict = (problem: string, hint: string): WinchError =>
  new WinchError('FLAGS_CONFLICT', problem, {kind: 'invalid', hint});

/** Too many or too few words. */
export const argumentsInvalid = (problem: string, hint: string): WinchError =>
  new WinchError('ARGUMENTS_INVALID', problem, {kind: 'invalid', hint});

/** The user's own word, quoted and cut to a length that fits a message. */
export const quote = (word: string): string =>
  `"${word.length > LONGEST_QUOTE ? `${word.slice(0, LONGEST_QUOTE)}…` : word}"`;
