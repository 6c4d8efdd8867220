import type {SecurityOption} from '../bundle/container-options.ts';
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
  const options = words.map(readOption);
  const [masked, readOnly] = [host.texts('MaskedPaths'), host.texts('ReadonlyPaths')];
  // By two empty lists clients say that nothing is hidden.
  if (masked?.length === 0 && readOnly?.length === 0) return [...options, {name: 'unmask', paths: 'ALL'}];
  if (masked || readOnly) {
    throw notOffered(
      'no paths of ones own are hidden',
      'leave out MaskedPaths and ReadonlyPaths, or say that both are empty',
    );
  }
  return nonEmpty(options);
}

function readOption(text: string): SecurityOption {
  const [name, value = ''] = text.split(/[=:](.*)/s);
  if (name === 'no-new-privileges') return {name, enabled: value !== 'false'};
  if (name === 'apparmor') return {name, profile: value};
  if (name === 'seccomp') return {name, profile: readProfile(value)};
  if (text === 'systempaths=unconfined') return {name: 'unmask', paths: 'ALL'};
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
