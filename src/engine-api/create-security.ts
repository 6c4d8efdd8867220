import type {SecurityOption} from '../bundle/container-options.ts';
import {createHiddenPaths} from '../bundle/hidden-paths.ts';
import {notOffered} from './api-error.ts';
import {isRecord, parseJson} from './api-request.ts';
import {type BodyFields, nonEmpty} from './body-fields.ts';

/** What labels of SELinux would be; winch sets none. */
const WITHOUT_EFFECT = /^label[=:]/;

/**
 * What a body says of the walls around a container.
 *
 * @throws {WinchError} `BODY_INVALID` | `NOT_OFFERED`
 */
export function readSecurity(host: BodyFields): readonly SecurityOption[] | undefined {
  const words = (host.texts('SecurityOpt') ?? []).filter((text) => !WITHOUT_EFFECT.test(text));
  return nonEmpty([...words.map(readOption), ...readHidden(host)]);
}

/** Clients send the whole lists, and those of a container that they make anew. */
function readHidden(host: BodyFields): readonly SecurityOption[] {
  const usual = createHiddenPaths({}, []);
  const masked = host.texts('MaskedPaths') ?? usual.maskedPaths;
  const readOnly = host.texts('ReadonlyPaths') ?? usual.readonlyPaths;
  if (masked.length + readOnly.length === 0) return [{name: 'unmask', paths: 'ALL'}];
  const added = without(masked, usual.maskedPaths);
  const removed = [...without(usual.maskedPaths, masked), ...without(usual.readonlyPaths, readOnly)];
  if (without(readOnly, usual.readonlyPaths).length > 0) {
    throw notOffered('no paths of ones own are read-only', 'leave out of ReadonlyPaths what docker has not there');
  }
  return [
    ...(added.length > 0 ? [{name: 'mask', paths: added} as const] : []),
    ...(removed.length > 0 ? [{name: 'unmask', paths: removed} as const] : []),
  ];
}

const without = (paths: readonly string[], others: readonly string[]): readonly string[] =>
  paths.filter((path) => !others.includes(path));

function readOption(text: string): SecurityOption {
  const [name, value = ''] = text.split(/[=:](.*)/s);
  if (name === 'no-new-privileges') return {name, enabled: value !== 'false'};
  if (name === 'apparmor') return {name, profile: value};
  if (name === 'seccomp') return {name, profile: readProfile(value)};
  if (text === 'systempaths=unconfined' || text === 'unmask=ALL') return {name: 'unmask', paths: 'ALL'};
  if (name === 'mask' || name === 'unmask') return {name, paths: value.split(':')};
  throw notOffered(
    `the security option ${JSON.stringify(name)} is not offered`,
    'make the container with winch create',
  );
}

/** Clients send what is in the file. */
function readProfile(value: string) {
  if (value === 'unconfined') return value;
  if (value === 'builtin' || value === 'default') return 'default';
  const profile = parseJson(Buffer.from(value), 'the seccomp profile');
  if (isRecord(profile)) return profile;
  throw notOffered('a seccomp profile that is no JSON object is not offered', 'send the profile itself');
}
