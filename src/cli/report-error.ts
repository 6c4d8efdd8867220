import {isWinchError, type WinchError} from '../errors.ts';
import {findFlagHint} from './hints.ts';
import {safeJson, safeText} from './render/safe-text.ts';

const LONGEST_LINE = 120;
const LONGEST_TEXT = 1000;
const PLEASE_REPORT = 'This is a bug of winch: please report it with the lines above.';

export interface ErrorReportOptions {
  /** One JSON line instead of text: standard error is read by a machine. */
  readonly asJson?: boolean;
  /** Add the stack, and those of the causes. */
  readonly withStack?: boolean;
}

/**
 * An error as the user sees it (several as one after the other), ending with a newline: `winch: CODE: message: hint` in at most two lines, with nothing
 * in it that a terminal would obey. A plain Error is a bug of winch and comes with its stack.
 */
export function formatError(error: unknown, options: ErrorReportOptions = {}): string {
  if (error instanceof AggregateError) return error.errors.map((one) => formatError(one, options)).join('');
  const expected = isWinchError(error) ? error : null;
  const summary = expected ? describeFailure(expected) : describeBug(error);
  if (options.asJson) return `${safeJson({type: 'error:raised', ...summary})}\n`;
  if (!expected) return `winch: BUG: ${printStack(error)}\n${PLEASE_REPORT}\n`;
  return `${layOut(summary)}\n${options.withStack ? `${printStack(error)}\n` : ''}`;
}

interface Summary {
  readonly code: string;
  readonly kind: string;
  readonly message: string;
  readonly hint?: string;
}

function describeFailure(error: WinchError): Summary {
  const hints = [error.hint, findFlagHint(error.code)].filter((hint) => hint !== undefined);
  const summary = {code: error.code, kind: error.kind, message: error.message};
  return hints.length === 0 ? summary : {...summary, hint: hints.join('; ')};
}

const describeBug = (error: unknown): Summary => ({
  code: 'BUG',
  kind: 'bug',
  message: error instanceof Error ? `${error.name}: ${error.message}` : `thrown: ${printStack(error)}`,
});

function layOut(summary: Summary): string {
  const message = `winch: ${summary.code}: ${printable(summary.message)}`;
  if (summary.hint === undefined) return message;
  const hint = printable(summary.hint);
  const line = `${message}: ${hint}`;
  return line.length <= LONGEST_LINE ? line : `${message}:\n  ${hint}`;
}

const printable = (text: string): string =>
  safeText(text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text);

// `inspect` prints causes and details as well; of its text only the line ends are kept as they are. An import of
// node:util would make Node open process.stderr, which makes the pipe behind it non-blocking (see createOutput).
function printStack(error: unknown): string {
  const text = process.getBuiltinModule('node:util').inspect(error, {colors: false, depth: 4});
  return text.split('\n').map(safeText).join('\n');
}
