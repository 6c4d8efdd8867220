import {type ErrorKind, WinchError} from '../errors.ts';

/** An error in a form that a message between threads can carry. */
export type ErrorRecord =
  | {
      readonly type: 'winch';
      readonly code: string;
      readonly kind: ErrorKind;
      readonly message: string;
      readonly hint: string | undefined;
      readonly details: WinchError['details'];
      readonly stack: string | undefined;
      readonly cause: ErrorRecord | undefined;
    }
  | {
      readonly type: 'error';
      readonly name: string;
      readonly message: string;
      readonly stack: string | undefined;
      /** `code`, `errno`, `syscall`, `path` of system errors. */
      readonly properties: Readonly<Record<string, string | number>>;
      readonly cause: ErrorRecord | undefined;
    }
  | {readonly type: 'value'; readonly text: string};

const SYSTEM_PROPERTIES: readonly string[] = Object.freeze(['code', 'errno', 'syscall', 'path']);
/** Causes can be circular. */
const CAUSE_DEPTH_LIMIT = 8;

/** Describes an error for another thread: structured cloning would make a plain Error of a WinchError. */
export function recordError(error: unknown, depth = 0): ErrorRecord {
  if (!(error instanceof Error)) return {type: 'value', text: String(error)};
  const {message, stack} = error;
  const hasCause = error.cause !== undefined && depth < CAUSE_DEPTH_LIMIT;
  const cause = hasCause ? recordError(error.cause, depth + 1) : undefined;
  if (error instanceof WinchError) {
    const {code, kind, hint, details} = error;
    return {type: 'winch', code, kind, message, hint, details, stack, cause};
  }
  return {type: 'error', name: error.name, message, stack, properties: systemProperties(error), cause};
}

/** The error that a record describes, with the stack that it had where it was thrown. */
export function errorFromRecord(record: ErrorRecord): unknown {
  if (record.type === 'value') return record.text;
  const {message, stack} = record;
  const cause = record.cause === undefined ? {} : {cause: errorFromRecord(record.cause)};
  const error =
    record.type === 'winch'
      ? new WinchError(record.code, message, {
          ...optional(record),
          kind: record.kind,
          details: record.details,
          ...cause,
        })
      : Object.assign(new Error(message, cause), record.properties, {name: record.name});
  if (stack !== undefined) error.stack = stack;
  return error;
}

const optional = ({hint}: {readonly hint: string | undefined}) => (hint === undefined ? {} : {hint});

function systemProperties(error: Error): Readonly<Record<string, string | number>> {
  const entries = Object.entries(error).filter(
    ([name, value]) => SYSTEM_PROPERTIES.includes(name) && (typeof value === 'string' || typeof value === 'number'),
  );
  return Object.fromEntries(entries);
}
