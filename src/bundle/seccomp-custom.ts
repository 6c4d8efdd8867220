import {WinchError} from '../errors.ts';
import {definedMembers} from '../oci/defined-members.ts';
import type {RuntimeSyscallArgument} from '../oci/runtime-spec.ts';
import type {SeccompArchitecture, SeccompFilter, SeccompProfile, SeccompRule} from './seccomp-profile.ts';

/**
 * Types a profile that the caller wrote, in docker's or the runtime-spec's form.
 *
 * @throws {WinchError} `SECCOMP_INVALID`: names the first field that is wrong.
 */
export function parseSeccompProfile(value: Readonly<Record<string, unknown>>): SeccompProfile {
  const top = readObject(value, 'profile');
  if (top.list('architectures') !== undefined && top.list('archMap') !== undefined) {
    throw invalidProfile('has both architectures and archMap');
  }
  return definedMembers({
    defaultAction: top.text('defaultAction'),
    defaultErrnoRet: top.number('defaultErrnoRet'),
    architectures: top.texts('architectures'),
    archMap: top.list('archMap')?.map(parseArchitecture),
    flags: top.texts('flags'),
    syscalls: (top.list('syscalls') ?? []).map(parseRule),
  });
}

function parseArchitecture(value: unknown, position: number): SeccompArchitecture {
  const entry = readObject(value, `archMap[${position}]`);
  return definedMembers({architecture: entry.text('architecture'), subArchitectures: entry.texts('subArchitectures')});
}

function parseRule(value: unknown, position: number): SeccompRule {
  const rule = readObject(value, `syscalls[${position}]`);
  return definedMembers({
    names: rule.texts('names') ?? [rule.text('name')],
    action: rule.text('action'),
    errnoRet: rule.number('errnoRet'),
    args: rule.list('args')?.map((argument) => parseArgument(argument, `syscalls[${position}].args`)),
    includes: parseFilter(rule.field('includes'), `syscalls[${position}].includes`),
    excludes: parseFilter(rule.field('excludes'), `syscalls[${position}].excludes`),
  });
}

function parseArgument(value: unknown, where: string): RuntimeSyscallArgument {
  const argument = readObject(value, where);
  return definedMembers({
    index: argument.number('index') ?? 0,
    value: argument.number('value') ?? 0,
    valueTwo: argument.number('valueTwo'),
    op: argument.text('op'),
  });
}

function parseFilter(value: unknown, where: string): SeccompFilter | undefined {
  if (value === undefined) return undefined;
  const filter = readObject(value, where);
  const minKernel = filter.field('minKernel') === undefined ? undefined : filter.text('minKernel');
  if (minKernel !== undefined && !/^\d+\.\d+$/.test(minKernel))
    throw invalidProfile(`${where}.minKernel is no version`);
  return definedMembers({caps: filter.texts('caps'), arches: filter.texts('arches'), minKernel});
}

/** Typed access to the fields of a JSON object; null counts as absent, as Go's decoder has it. */
function readObject(value: unknown, where: string) {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidProfile(`${where} is no object`);
  const field = (name: string): unknown => Reflect.get(value, name) ?? undefined;
  const expect = <T>(name: string, what: string, isValid: (found: unknown) => found is T): T | undefined => {
    const found = field(name);
    if (found === undefined || isValid(found)) return found;
    throw invalidProfile(`${where}.${name} is no ${what}`);
  };
  return {
    field,
    text: (name: string): string => {
      const found = expect(name, 'string', isText);
      if (found === undefined) throw invalidProfile(`${where}.${name} is missing`);
      return found;
    },
    number: (name: string) => expect(name, 'safe unsigned integer', isUnsigned),
    list: (name: string) => expect(name, 'array', isList),
    texts: (name: string) => expect(name, 'array of strings', isTextList),
  };
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isUnsigned = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isList = (value: unknown): value is unknown[] => Array.isArray(value);
const isTextList = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);

const invalidProfile = (problem: string): WinchError =>
  new WinchError('SECCOMP_INVALID', `seccomp profile: ${problem}`, {
    kind: 'invalid',
    hint: "write the profile in docker's JSON format",
  });
