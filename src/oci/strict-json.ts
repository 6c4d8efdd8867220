import {WinchError} from '../errors.ts';
import {excerpt} from './excerpt.ts';

/** A JSON object whose members are still unknown. */
export type JsonObject = Readonly<Record<string, unknown>>;

export interface StrictJsonOptions {
  /** The document in a message (`manifest of alpine:3.20`). */
  readonly what: string;
  readonly limitBytes: number;
  /** The codes of this kind of document; absent: `JSON_INVALID`, `JSON_TOO_LARGE`, `JSON_AMBIGUOUS`. */
  readonly codes?: StrictJsonCodes;
}

export interface StrictJsonCodes {
  readonly invalid: string;
  readonly tooLarge: string;
  readonly ambiguous: string;
}

const DEFAULT_CODES: StrictJsonCodes = {
  invalid: 'JSON_INVALID',
  tooLarge: 'JSON_TOO_LARGE',
  ambiguous: 'JSON_AMBIGUOUS',
};
/** No document of the OCI or Docker specs nests deeper than 6. */
const DEPTH_LIMIT = 64;

const QUOTE = 0x22;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * The value of a JSON document that every parser reads alike.
 *
 * Two readers of one digest must not see two documents. Parsers differ in which of two equal keys wins, so an object
 * with a key twice is refused wherever it stands; so is a key `__proto__`, which assignment would turn into a prototype.
 *
 * @throws {WinchError} By `options.codes`: invalid (no UTF-8, no JSON, nested deeper than 64), tooLarge, ambiguous.
 */
export function parseStrictJson(bytes: Uint8Array, options: StrictJsonOptions): unknown {
  const {what, limitBytes, codes = DEFAULT_CODES} = options;
  if (bytes.length > limitBytes) refuse(codes.tooLarge, `${what} is larger than ${limitBytes} bytes`);
  const text = decodeText(bytes, what, codes.invalid);
  const value = parseText(text, what, codes.invalid);
  const fault = findFault(text);
  if (fault === undefined) return value;
  if (fault === 'depth') refuse(codes.invalid, `${what} nests deeper than ${DEPTH_LIMIT} levels`);
  if (fault.key === '__proto__') refuse(codes.invalid, `${what} has a key "__proto__"`);
  refuse(codes.ambiguous, `${what} has the key ${excerpt(fault.key)} twice in one object`);
}

/**
 * Refuses keys that differ from a known key by case only.
 *
 * Parsers written in Go read such a twin as the known key itself, so another client would see another document.
 *
 * @throws {WinchError} `options.code`.
 */
export function refuseCaseTwins(
  object: JsonObject,
  knownKeys: readonly string[],
  options: {readonly where: string; readonly code: string},
): void {
  const unknownKeys = Object.keys(object).filter((key) => !knownKeys.includes(key));
  if (unknownKeys.length === 0) return;
  const foldedKeys = new Set(knownKeys.map(foldCase));
  const twin = unknownKeys.find((key) => foldedKeys.has(foldCase(key)));
  if (twin === undefined) return;
  refuse(options.code, `${options.where} has a key ${excerpt(twin)}, which other clients read in another case`);
}

/** Go folds case by Unicode: the long s and the Kelvin sign count as s and k (encoding/json foldName). */
const foldCase = (key: string): string => key.toUpperCase().toLowerCase();

function decodeText(bytes: Uint8Array, what: string, code: string): string {
  try {
    return new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(bytes);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    return refuse(code, `${what} is not UTF-8 text`, cause);
  }
}

function parseText(text: string, what: string, code: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    return refuse(code, `${what} is not JSON`, cause);
  }
}

/** One pass over text that JSON.parse accepted: a colon outside a string ends the key before it. */
function findFault(text: string): 'depth' | {readonly key: string} | undefined {
  const scopes: (Set<string> | undefined)[] = [];
  let stringStart = 0;
  let stringEnd = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === QUOTE) {
      stringStart = at;
      at = endOfString(text, at);
      stringEnd = at + 1;
    } else if (character === COLON) {
      const key = readKey(text, stringStart, stringEnd);
      const keys = scopes.at(-1);
      if (key === '__proto__' || keys?.has(key)) return {key};
      if (keys) keys.add(key);
      else scopes[scopes.length - 1] = new Set([key]);
    } else if (character === OPEN_BRACE || character === OPEN_BRACKET) {
      if (scopes.push(undefined) > DEPTH_LIMIT) return 'depth';
    } else if (character === CLOSE_BRACE || character === CLOSE_BRACKET) {
      scopes.pop();
    }
  }
  return undefined;
}

/** The place of the quote that ends the string which starts at `start`. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
}

function readKey(text: string, start: number, end: number): string {
  const literal = text.slice(start, end);
  return literal.includes('\\') ? JSON.parse(literal) : literal.slice(1, -1);
}

function refuse(code: string, message: string, cause?: unknown): never {
  throw new WinchError(code, message, {
    kind: 'refused',
    hint: 'whoever wrote this document has to write it anew',
    cause,
  });
}
