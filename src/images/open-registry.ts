import {join} from 'node:path';
import {openRegistryClient, type RegistryClient, type RegistryClientOptions} from '../registry/client.ts';
import type {FoundCredential} from '../registry/credentials.ts';
import {type OpenHostDirectory, openHostDirectory} from '../registry/host-directory.ts';
import {hostFiles} from './read-host-configuration.ts';
import type {RegistrySettings} from './registry-settings.ts';
import {openSharedPauses} from './shared-pauses.ts';

const DEFAULT_USER_AGENT = 'winch';

export interface RegistryWatch extends Pick<RegistryClientOptions, 'watch'> {
  /** Told of every credential that is found. */
  readonly onCredential?: ((registry: string, found: FoundCredential) => void) | undefined;
}

/** Opens a registry client that reads the files of its settings when a registry first needs them. */
export const openRegistry = (settings: RegistrySettings, {watch, onCredential}: RegistryWatch = {}): RegistryClient => {
  const {insecureRegistries = [], proxyEnvironment, userAgent = DEFAULT_USER_AGENT, runtimeDirectory} = settings;
  return openRegistryClient({
    insecureRegistries,
    hosts: openHostsOf(settings),
    proxyEnvironment,
    userAgent,
    pauses: runtimeDirectory === undefined ? undefined : openSharedPauses(join(runtimeDirectory, 'hosts')),
    retryPolicy: settings.retryPolicy,
    watch,
    // Imported on demand: few pulls have to log in.
    credentials: async (registry, wanted) =>
      (await import('./logins/open-credentials.ts')).openCredentialsOf(settings, onCredential).find(registry, wanted),
  });
};

/** Where registries are by these settings; files are read when a registry is asked. */
export const openHostsOf = (settings: RegistrySettings): OpenHostDirectory =>
  openHostDirectory({...settings, insecureRegistries: settings.insecureRegistries ?? [], files: hostFiles});
