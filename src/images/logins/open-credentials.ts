import {
  type Credentials,
  type CredentialsOptions,
  type LoginPlace,
  openCredentials,
} from '../../registry/credentials.ts';
import type {RegistrySettings} from '../registry-settings.ts';
import {readLoginFile} from './read-login-file.ts';

/** The credentials that these settings lead to; files are read when a registry asks for a login. */
export function openCredentialsOf(settings: RegistrySettings, onFound?: CredentialsOptions['onFound']): Credentials {
  const {credential, helperEnvironment: environment = {}} = settings;
  return openCredentials({
    given: credential,
    onFound,
    places: placesOf(settings),
    askHelper: async (name, serverAddress, {signal}) => {
      const {askCredentialHelper} = await import('../../registry/credential-helper.ts');
      return askCredentialHelper({name, serverAddress, environment, signal});
    },
  });
}

function placesOf({dockerAuthConfig, authFiles = [], dockerConfigPath}: RegistrySettings): readonly LoginPlace[] {
  const variable = {name: '$DOCKER_AUTH_CONFIG', read: async () => Buffer.from(dockerAuthConfig ?? '')};
  const paths = [...authFiles, ...(dockerConfigPath === undefined ? [] : [dockerConfigPath])];
  const files = paths.map((path) => ({name: path, read: (signal?: AbortSignal) => readLoginFile(path, signal)}));
  return [...(dockerAuthConfig ? [variable] : []), ...files];
}
