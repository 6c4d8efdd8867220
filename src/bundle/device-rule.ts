import {WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {RuntimeDeviceRule} from '../oci/runtime-spec.ts';

/**
 * Reads `TYPE MAJOR:MINOR PERMISSIONS` (`c 13:* rwm`): type `a`, `b` or `c`, `*` for any number, and some of `rwm`.
 *
 * @throws {WinchError} `DEVICE_INVALID`
 */
export function readDeviceRule(text: string): RuntimeDeviceRule {
  const [, type, major = '', minor = '', access = ''] =
    /^([abc]) (\d{1,9}|\*):(\d{1,9}|\*) ((?!.*(.).*\5)[rwm]{1,3})$/.exec(text) ?? [];
  if (type === 'a' || type === 'b' || type === 'c') {
    return {allow: true, type, ...numberOf('major', major), ...numberOf('minor', minor), access};
  }
  throw new WinchError('DEVICE_INVALID', `device rule ${excerpt(text)} is not TYPE MAJOR:MINOR PERMISSIONS`, {
    kind: 'invalid',
    hint: 'write it like: c 13:* rwm',
  });
}

/**
 * The text itself, when it is such a rule.
 *
 * @throws {WinchError} `DEVICE_INVALID`
 */
export function requireDeviceRule(text: string): string {
  readDeviceRule(text);
  return text;
}

/** The runtime spec leaves out what may be any number. */
const numberOf = (name: 'major' | 'minor', text: string) => (text === '*' ? {} : {[name]: Number(text)});
