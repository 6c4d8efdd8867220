import type {SecurityOption} from '../../bundle/container-options.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';
import type {Environment} from '../environment.ts';
import {readFlagFile} from './read-file.ts';

const FLAG = '--security-opt';
const FORMS = 'no-new-privileges, seccomp=unconfined or a file, apparmor=PROFILE, mask=/PATH, unmask=ALL or /PATH';

/**
 * Reads docker's and podman's `--security-opt` forms; a seccomp profile is read here. `label=disable` is taken without
 * effect, since winch sets no SELinux labels.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseSecurityOption(text: string, environment: Environment): readonly SecurityOption[] {
  const [, name = '', separator, value = ''] = /^([a-z-]+)(?:([=:])(.*))?$/s.exec(text) ?? [];
  if (name === 'no-new-privileges')
    return [{name, enabled: parseSwitch(text, separator === undefined ? 'true' : value)}];
  if (text === 'systempaths=unconfined') return [{name: 'unmask', paths: 'ALL'}];
  if (text === 'label=disable' || text === 'label:disable') return [];
  if (value === '') throw notUnderstood(text);
  switch (name) {
    case 'seccomp':
      return [{name, profile: readProfile(value, environment)}];
    case 'apparmor':
      return [{name, profile: value}];
    case 'mask':
      return [{name, paths: parsePaths(text, value)}];
    case 'unmask':
      return [{name, paths: value.toUpperCase() === 'ALL' ? 'ALL' : parsePaths(text, value)}];
    default:
      throw notUnderstood(text);
  }
}

function parseSwitch(text: string, value: string): boolean {
  if (value === 'true' || value === 'false') return value === 'true';
  throw notUnderstood(text);
}

function readProfile(value: string, environment: Environment) {
  if (value === 'unconfined') return value;
  if (value === 'default' || value === 'builtin') return 'default';
  const profile = parseJson(value, readFlagFile(`${FLAG} seccomp`, value, environment));
  if (typeof profile === 'object' && profile !== null && !Array.isArray(profile)) {
    return profile as Readonly<Record<string, unknown>>;
  }
  throw flagInvalid(FLAG, `the seccomp profile ${quote(value)} is no JSON object`, FORMS);
}

function parseJson(path: string, json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw flagInvalid(FLAG, `the seccomp profile ${quote(path)} is not JSON`, FORMS);
  }
}

function parsePaths(text: string, value: string): readonly string[] {
  const paths = value.split(':');
  if (paths.every((path) => path.startsWith('/'))) return paths;
  throw flagInvalid(FLAG, `${quote(text)} has a path that is not absolute`, FORMS);
}

const notUnderstood = (text: string) => flagInvalid(FLAG, `${quote(text)} is not understood`, FORMS);
