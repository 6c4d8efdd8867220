import {readFile} from 'node:fs/promises';
import {hasErrno, WinchError} from '../errors.ts';
import {openRegistryClient, type RegistryClient} from '../registry/client.ts';
import {runCredentialHelper} from '../registry/credential-helper.ts';
import {openDockerCredentials} from '../registry/credentials.ts';

export interface RegistryAccess {
  /** docker's `config.json`; absent: nobody is logged in. */
  readonly dockerConfigPath?: string | undefined;
  /** What credential helpers get to see of the environment. */
  readonly helperEnvironment?: Readonly<Record<string, string>> | undefined;
  readonly insecureRegistries: readonly string[] | 'all';
  readonly userAgent: string;
}

/** Opens a registry client with the logins of docker's configuration file. */
export const openRegistry = ({dockerConfigPath, helperEnvironment = {}, ...access}: RegistryAccess): RegistryClient =>
  openRegistryClient({
    ...access,
    credentials: openDockerCredentials({
      readConfig: async () => (dockerConfigPath === undefined ? null : readOrNull(dockerConfigPath)),
      runHelper: (name, serverAddress, {signal}) =>
        runCredentialHelper({name, serverAddress, environment: helperEnvironment, signal}),
    }),
  });

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
