import {WinchError} from '../../errors.ts';
import {safeJson, safeText} from './safe-text.ts';

type Part = string | ((data: unknown) => string);

/**
 * Compiles the part of Go's templates that docker's users write in `--format`: `{{.Field.Sub}}`, `{{json .Field}}`,
 * `{{join .List ","}}`, `{{index .Map "key"}}`, with `\t` and `\n` in the text between.
 *
 * What it prints is escaped as `safeText` does.
 *
 * @throws {WinchError} `FORMAT_INVALID` here for other template syntax, from the compiled function for a field that is
 * not there
 */
export function compileTemplate(template: string): (data: unknown) => string {
  const parts = template.split(/\{\{(.*?)\}\}/s).map((piece, index): Part => {
    if (index % 2 === 0) return readEscapes(piece);
    return compileAction(piece.trim());
  });
  return (data) => parts.map((part) => (typeof part === 'string' ? part : part(data))).join('');
}

const readEscapes = (piece: string): string => piece.replaceAll('\\t', '\t').replaceAll('\\n', '\n');

function compileAction(action: string): (data: unknown) => string {
  const match = /^(?:(json|join|index)\s+)?(\.[\w.]*)(?:\s+("(?:[^"\\]|\\.)*"|\d+))?$/.exec(action);
  const [, name, path = '', literal] = match ?? [];
  if (!match || (name === 'join' || name === 'index') !== (literal !== undefined)) throw notUnderstood(action);
  const argument: unknown = literal === undefined ? undefined : parseLiteral(literal, action);
  const keys = path.split('.').filter((key) => key !== '');
  return (data) => applyFunction(name, readPath(data, keys), argument);
}

function parseLiteral(literal: string, action: string): unknown {
  try {
    return JSON.parse(literal);
  } catch (error) {
    if (error instanceof SyntaxError) throw notUnderstood(action);
    throw error;
  }
}

function applyFunction(name: string | undefined, value: unknown, argument: unknown): string {
  if (name === 'json') return safeJson(value);
  if (name === 'join') return safeText(Array.isArray(value) ? value.join(String(argument)) : String(value));
  if (name === 'index') return printValue(ownValue(value, String(argument)) ?? '');
  return printValue(value);
}

function readPath(data: unknown, keys: readonly string[]): unknown {
  let value = data;
  for (const key of keys) {
    if (!isRecord(value) || !Object.hasOwn(value, key)) throw fieldMissing(key, value);
    value = value[key];
  }
  return value;
}

const printValue = (value: unknown): string => {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? safeJson(value) : safeText(String(value));
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const ownValue = (value: unknown, key: string): unknown =>
  isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;

const notUnderstood = (action: string): WinchError =>
  new WinchError('FORMAT_INVALID', `--format: {{${action}}} is not understood`, {
    kind: 'invalid',
    hint: 'write json or a template of {{.Field}}, {{json .Field}}, {{join .List ","}} and {{index .Map "key"}}',
  });

const fieldMissing = (key: string, value: unknown): WinchError =>
  new WinchError('FORMAT_INVALID', `--format: there is no field .${key}`, {
    kind: 'invalid',
    hint: isRecord(value) ? `there are ${Object.keys(value).slice(0, 40).join(', ')}` : 'its parent is a plain value',
  });
