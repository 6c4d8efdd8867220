import type {CallOptions} from '../events.ts';
import type {ImageContext} from '../images/context.ts';
import type {LoginReport, LoginRequest} from '../images/logins/login.ts';
import type {LogoutReport} from '../images/logins/logout.ts';
import type {RegistrySettings} from '../images/registry-settings.ts';
import type {CredentialDescription} from '../registry/credentials.ts';

export interface RegistriesContext {
  readonly images: ImageContext;
  readonly settings: RegistrySettings;
}

/** Registries as they are: nothing here touches the store. */
export interface Registries {
  /** Logs in and keeps the login in `loginFile`, else in docker's `config.json`, or in the helper named there. */
  login(request: LoginRequest, options?: CallOptions): Promise<LoginReport>;
  logout(registry: string, options?: CallOptions): Promise<LogoutReport>;
  /** Forgets every login that the login file or its helpers know. */
  logoutEverywhere(options?: CallOptions): Promise<readonly LogoutReport[]>;
  /** Who is logged in and where that is kept, without the secret; null: nobody. */
  getLogin(registry: string, options?: CallOptions): Promise<CredentialDescription | null>;
}

export const openRegistries = ({images, settings}: RegistriesContext): Registries => ({
  login: async (...args) =>
    (await import('../images/logins/login.ts')).login({registry: images.registry, settings}, ...args),
  logout: async (...args) => (await import('../images/logins/logout.ts')).logout(settings, ...args),
  logoutEverywhere: async (...args) => (await import('../images/logins/logout.ts')).logoutEverywhere(settings, ...args),
  getLogin: async (...args) => (await import('../images/logins/logout.ts')).getLogin(settings, ...args),
});
