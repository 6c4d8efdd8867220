import {isWinchError} from '../../src/errors.ts';

/** `CODE: message: hint` of the WinchError that `action` throws; empty when it throws nothing. */
export function messageOf(action: () => unknown): string {
  try {
    action();
    return '';
  } catch (error) {
    if (isWinchError(error)) return `${error.code}: ${error.message}: ${error.hint}`;
    throw error;
  }
}
