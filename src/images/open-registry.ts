import {openRegistryClient, type RegistryClient} from '../registry/client.ts';
import type {RegistrySettings} from './registry-settings.ts';

const DEFAULT_USER_AGENT = 'winch';

/** Opens a registry client that reads the files of its settings when a registry first needs them. */
export const openRegistry = (settings: RegistrySettings): RegistryClient => {
  const {insecureRegistries = [], userAgent = DEFAULT_USER_AGENT} = settings;
  return openRegistryClient({
    insecureRegistries,
    userAgent,
    // Imported on demand: few pulls have to log in.
    credentials: async (registry, wanted) =>
      (await import('./logins/open-credentials.ts')).openCredentialsOf(settings).find(registry, wanted),
  });
};
