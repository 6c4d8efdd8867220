import * as assert from 'node:assert/strict';
import type {WinchExit} from './winch.ts';

export function requireSuccess(exit: WinchExit, what = ''): WinchExit {
  assert.equal(exit.exitCode, 0, `${what}: ${exit.stderr}`);
  return exit;
}

/** A line says it, with what to do on the next one where both do not fit, and it is no stack. */
export function requireRefusal({exitCode, stderr}: WinchExit, {code, exit = 6}: Refusal, what = ''): void {
  assert.match(stderr, new RegExp(`^winch: ${code}: [^\\n]+\\n(?:  [^\\n]+\\n)?$`, 'm'), `${what}: ${stderr}`);
  assert.doesNotMatch(stderr, /BUG|^ +at /m, what);
  assert.equal(exitCode, exit, `${what}: ${stderr}`);
}

export interface Refusal {
  readonly code: string;
  /** Absent: 6, of the store. */
  readonly exit?: number;
}
