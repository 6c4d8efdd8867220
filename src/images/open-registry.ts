import {readFile} from 'node:fs/promises';
import {hasErrno, WinchError} from '../errors.ts';
import {openRegistryClient, type RegistryClient} from '../registry/client.ts';
import {runCredentialHelper} from '../registry/credential-helper.ts';
import {openDockerCredentials} from '../registry/credentials.ts';
import type {RegistrySettings} from './registry-settings.ts';

const DEFAULT_USER_AGENT = 'winch';

/** Opens a registry client that reads the files of its settings when a registry first needs them. */
export const openRegistry = (settings: RegistrySettings): RegistryClient => {
  const {dockerConfigPath, helperEnvironment = {}, insecureRegistries = [], userAgent = DEFAULT_USER_AGENT} = settings;
  return openRegistryClient({
    insecureRegistries,
    userAgent,
    credentials: openDockerCredentials({
      readConfig: async () => (dockerConfigPath === undefined ? null : readOrNull(dockerConfigPath)),
      runHelper: (name, serverAddress, {signal}) =>
        runCredentialHelper({name, serverAddress, environment: helperEnvironment, signal}),
    }),
  });
};

async function readOrNull(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    if (!hasErrno(error, 'EACCES', 'EPERM', 'EISDIR')) throw error;
    throw new WinchError('CREDENTIALS_INVALID', `the login file ${path} cannot be read (${error.code})`, {
      kind: 'unauthorized',
      hint: 'check its owner and mode',
      cause: error,
    });
  }
}
