import type {RuntimeSeccomp} from '../oci/runtime-spec.ts';
import type {ContainerOptions} from './container-options.ts';
import {parseSeccompProfile} from './seccomp-custom.ts';
import {DEFAULT_SECCOMP_PROFILE} from './seccomp-default.ts';
import {resolveSeccompProfile, type SeccompTarget} from './seccomp-profile.ts';
import {findSecurityOption} from './security-options.ts';

/**
 * The system call filter: docker's default one, the caller's own, or null for none (unconfined or privileged).
 *
 * @throws {WinchError} `SECCOMP_INVALID`
 */
export function createSeccomp(options: ContainerOptions, target: SeccompTarget): RuntimeSeccomp | null {
  const chosen = findSecurityOption(options, 'seccomp')?.profile;
  if (chosen === 'unconfined') return null;
  if (typeof chosen === 'object') return resolveSeccompProfile(parseSeccompProfile(chosen), target);
  if (options.privileged === true && chosen === undefined) return null;
  return resolveSeccompProfile(DEFAULT_SECCOMP_PROFILE, target);
}
