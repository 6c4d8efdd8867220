import {isWinchError} from '../../src/errors.ts';

/** The code of the WinchError that `action` throws; `null` when it throws nothing. Other errors pass through. */
export function codeOf(action: () => unknown): string | null {
  try {
    action();
    return null;
  } catch (error) {
    if (isWinchError(error)) return error.code;
    throw error;
  }
}
