import {isAbsolute, join} from 'node:path';
import type {RegistrySettings} from '../images/registry-settings.ts';
import type {Credential} from '../registry/credentials.ts';
import {flagInvalid, flagsConflict} from './arguments/usage-error.ts';
import type {Environment} from './environment.ts';

/** Where the environment says that logins are kept. */
export type LoginSettings = Pick<RegistrySettings, 'authFiles' | 'dockerAuthConfig' | 'dockerConfigPath' | 'loginFile'>;

/** What flags say about the login of one command. */
export interface LoginFlags {
  /** `--creds`: `USER[:PASSWORD]`. */
  readonly creds?: string;
  /** `--registry-token` */
  readonly registryToken?: string;
}

/**
 * The places of logins, in the order in which they are asked: `$DOCKER_AUTH_CONFIG`, containers' `auth.json` files,
 * docker's `config.json`. As for podman, `$REGISTRY_AUTH_FILE` stands for all files.
 *
 * @see containers-auth.json(5)
 */
export function findLoginSettings(environment: Environment): LoginSettings {
  const {REGISTRY_AUTH_FILE: named, DOCKER_AUTH_CONFIG: dockerAuthConfig} = environment.variables;
  const inEnvironment = dockerAuthConfig ? {dockerAuthConfig} : {};
  if (named) return {...inEnvironment, authFiles: [named], loginFile: named};
  const dockerConfigPath = join(findDockerDirectory(environment), 'config.json');
  return {...inEnvironment, authFiles: findAuthFiles(environment), dockerConfigPath};
}

/** `--authfile`: this file and nothing else. */
export const onlyAuthFile = (path: string): LoginSettings => ({
  authFiles: [path],
  loginFile: path,
  dockerAuthConfig: undefined,
  dockerConfigPath: undefined,
});

/**
 * The credential that flags or variables give.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function giveCredential({creds, registryToken}: LoginFlags, {variables}: Environment): Credential | undefined {
  if (creds !== undefined && registryToken !== undefined) {
    throw flagsConflict('--creds and --registry-token exclude each other', 'write one of the two');
  }
  if (creds !== undefined) return parsePair(creds, variables.WINCH_PASSWORD);
  const token = registryToken ?? variables.WINCH_REGISTRY_TOKEN;
  return token ? {registryToken: token} : undefined;
}

function parsePair(creds: string, passwordVariable: string | undefined): Credential {
  const colon = creds.indexOf(':');
  const username = colon === -1 ? creds : creds.slice(0, colon);
  const password = colon === -1 ? passwordVariable : creds.slice(colon + 1);
  if (username === '') throw flagInvalid('--creds', 'names no user', '--creds USER, with $WINCH_PASSWORD');
  if (!password) throw flagInvalid('--creds', 'comes without a password', 'the password into $WINCH_PASSWORD');
  return {username, password};
}

function findAuthFiles({variables, userId, homeDirectory}: Environment): readonly string[] {
  const runtime = absolute(variables.XDG_RUNTIME_DIR);
  const config = absolute(variables.XDG_CONFIG_HOME) ?? join(homeDirectory, '.config');
  return [
    runtime === undefined ? `/run/containers/${userId}/auth.json` : join(runtime, 'containers', 'auth.json'),
    join(config, 'containers', 'auth.json'),
  ];
}

const findDockerDirectory = ({variables, homeDirectory}: Environment): string =>
  variables.DOCKER_CONFIG || join(homeDirectory, '.docker');

const absolute = (path: string | undefined): string | undefined =>
  path !== undefined && isAbsolute(path) ? path : undefined;
