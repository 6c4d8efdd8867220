import {isArray, isBoolean, isEmptyArray, isEmptyObject, isNumber, isPlainObject, isString} from '@sindresorhus/is';
import {WinchError} from '../errors.ts';

/** The members of a JSON object by their names; null, as clients send it for what is not said, counts as absent. */
export interface BodyFields {
  text(name: string): string | undefined;
  texts(name: string): readonly string[] | undefined;
  /** A command as a list, or one word. */
  words(name: string): readonly string[] | undefined;
  number(name: string): number | undefined;
  numbers(name: string): readonly number[] | undefined;
  flag(name: string): boolean | undefined;
  /** An object with a text for each name. */
  textMap(name: string): Readonly<Record<string, string>> | undefined;
  record(name: string): BodyFields;
  records(name: string): readonly BodyFields[];
  names(): readonly string[];
  /** Whether it says something: not zero, empty, false or null. */
  says(name: string): boolean;
}

/** @param where The object in a message, with a dot behind it (`HostConfig.`). */
export function readFields(value: unknown, where = ''): BodyFields {
  if (!isPlainObject(value)) throw invalid(where === '' ? 'the body' : where.slice(0, -1), 'an object');
  const member = (name: string): unknown => (Object.hasOwn(value, name) ? (value[name] ?? undefined) : undefined);
  const read =
    <T>(accepts: (found: unknown) => found is T, wanted: string) =>
    (name: string): T | undefined => {
      const found = member(name);
      if (found === undefined || accepts(found)) return found;
      throw invalid(`${where}${name}`, wanted);
    };
  const texts = read(isTexts, 'a list of texts');
  const lists = read(isArray, 'a list');
  return {
    text: read(isString, 'a text'),
    texts,
    words: (name) => (isString(member(name)) ? [String(member(name))] : texts(name)),
    number: read(isNumber, 'a number'),
    numbers: read(isNumbers, 'a list of numbers'),
    flag: read(isBoolean, 'true or false'),
    textMap: read(isTextMap, 'an object of texts'),
    record: (name) => readFields(member(name) ?? {}, `${where}${name}.`),
    records: (name) => (lists(name) ?? []).map((entry) => readFields(entry, `${where}${name}.`)),
    names: () => Object.keys(value),
    says: (name) => Boolean(member(name)) && !isEmptyArray(member(name)) && !isEmptyObject(member(name)),
  };
}

/** Clients write empty lists for what is not said. */
export const nonEmpty = <T>(values: readonly T[] | undefined): readonly T[] | undefined =>
  values?.length === 0 ? undefined : values;

const isTexts = (value: unknown): value is readonly string[] => isArray(value, isString);

const isNumbers = (value: unknown): value is readonly number[] => isArray(value, isNumber);

const isTextMap = (value: unknown): value is Readonly<Record<string, string>> =>
  isPlainObject(value) && Object.values(value).every(isString);

const invalid = (name: string, wanted: string): WinchError =>
  new WinchError('BODY_INVALID', `${name} is not ${wanted}`, {kind: 'invalid'});
