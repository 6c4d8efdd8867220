import {isWinchError, WinchError} from '../../errors.ts';
import {excerpt} from '../../oci/excerpt.ts';
import {parseReference} from '../../oci/reference.ts';
import {helperAddress, targetOfKey} from '../../registry/login-document.ts';
import type {RegistrySettings} from '../registry-settings.ts';

/** A registry, or a path in it, that a login is for. */
export interface LoginTarget {
  /** As it stands in references. */
  readonly registry: string;
  /** Null: the whole registry. */
  readonly path: string | null;
  /** Registry and path. */
  readonly name: string;
}

/** The file that `login` writes to. */
export interface LoginFile {
  readonly path: string;
  /** Whether its keys are docker's own, where Docker Hub has another name. */
  readonly isDocker: boolean;
}

/**
 * Reads what a user calls a registry: `ghcr.io`, `https://ghcr.io/v2/`, `quay.io/team`, `docker.io`.
 *
 * @throws {WinchError} `REFERENCE_INVALID`
 */
export function parseLoginTarget(text: string): LoginTarget {
  const name = targetOfKey(text.trim().replace(/\/+$/, ''));
  const [registry = '', ...path] = name.split('/');
  const given = parse(`${name}/x`, text);
  if (given.registry !== registry) throw targetInvalid(text);
  return {registry, path: path.length === 0 ? null : path.join('/'), name};
}

/** The key of a target in a file. */
export const keyFor = (target: LoginTarget, {isDocker}: LoginFile): string =>
  isDocker && target.path === null ? helperAddress(target.registry) : target.name;

/**
 * The file where these settings keep logins.
 *
 * @throws {WinchError} `LOGIN_FILE_MISSING`: they name none.
 */
export function loginFileOf({loginFile, dockerConfigPath}: RegistrySettings): LoginFile {
  if (loginFile !== undefined) return {path: loginFile, isDocker: false};
  if (dockerConfigPath !== undefined) return {path: dockerConfigPath, isDocker: true};
  throw new WinchError('LOGIN_FILE_MISSING', 'there is no file to keep a login in', {
    kind: 'invalid',
    hint: 'the settings need loginFile or dockerConfigPath',
  });
}

function parse(reference: string, text: string): {readonly registry: string} {
  try {
    return parseReference(reference);
  } catch (error) {
    if (isWinchError(error, 'REFERENCE_INVALID')) throw targetInvalid(text);
    throw error;
  }
}

function targetInvalid(text: string): WinchError {
  // What stands before an @ may be a password.
  const shown = excerpt(text.slice(text.lastIndexOf('@') + 1));
  return new WinchError('REFERENCE_INVALID', `${shown} is not a registry`, {
    kind: 'invalid',
    hint: 'write host, host:port or host/path; a host has a dot or a port, or is localhost',
  });
}
