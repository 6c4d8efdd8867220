import type {CallOptions} from '../events.ts';
import type {ImageContext} from '../images/context.ts';
import type {RegistryExplanation} from '../images/explain-registry.ts';
import type {LoginToCheck} from '../images/logins/check-login.ts';
import type {LoginReport, LoginRequest} from '../images/logins/login.ts';
import type {LogoutReport} from '../images/logins/logout.ts';
import type {RegistrySettings} from '../images/registry-settings.ts';
import type {RemotePlatformOptions} from '../images/remote/context.ts';
import type {DeletedManifest, DeleteManifestOptions} from '../images/remote/delete-manifest.ts';
import type {RemoteConfig} from '../images/remote/get-config.ts';
import type {RemoteManifest} from '../images/remote/get-manifest.ts';
import type {InspectRemoteOptions, RemoteImage} from '../images/remote/inspect-remote.ts';
import type {ListReferrersOptions, RemoteReferrers} from '../images/remote/list-referrers.ts';
import type {ListRepositoriesOptions, RepositoryList} from '../images/remote/list-repositories.ts';
import type {ListTagsOptions, TagList} from '../images/remote/list-tags.ts';
import type {OpenedBlob, RemoteBlob} from '../images/remote/open-blob.ts';
import type {PutManifestOptions, StoredManifest} from '../images/remote/put-manifest.ts';
import type {RemoteRateLimit} from '../images/remote/rate-limit.ts';
import type {RemoteDigest} from '../images/remote/resolve-digest.ts';
import type {CheckedLogin} from '../registry/check-login.ts';
import type {CredentialDescription} from '../registry/credentials.ts';

export interface RegistriesContext {
  readonly images: ImageContext;
  readonly settings: RegistrySettings;
}

/** Registries as they are: nothing here touches the store. */
export interface Registries {
  /** Logs in and keeps the login in `loginFile`, else in docker's `config.json`, or in the helper named there. */
  login(request: LoginRequest, options?: CallOptions): Promise<LoginReport>;
  /** Asks a registry whether it takes a credential, and keeps nothing. */
  checkLogin(login: LoginToCheck, options?: CallOptions): Promise<CheckedLogin>;
  logout(registry: string, options?: CallOptions): Promise<LogoutReport>;
  /** Forgets every login that the login file or its helpers know. */
  logoutEverywhere(options?: CallOptions): Promise<readonly LogoutReport[]>;
  /** Who is logged in and where that is kept, without the secret; null: nobody. */
  getLogin(registry: string, options?: CallOptions): Promise<CredentialDescription | null>;
  /** Which file, mirror, proxy and login would be used for a reference, and why; nothing is contacted. */
  explain(reference: string, options?: CallOptions): Promise<RegistryExplanation>;
  listTags(repository: string, options?: ListTagsOptions): Promise<TagList>;
  /** The repositories of a registry that offers such a list; Docker Hub and most others do not. */
  listRepositories(registry: string, options?: ListRepositoriesOptions): Promise<RepositoryList>;
  /** The digest that a name leads to now, for one request without a body. */
  resolveDigest(reference: string, options?: RemotePlatformOptions): Promise<RemoteDigest>;
  /** A manifest or index as the registry holds it, byte for byte. */
  getManifest(reference: string, options?: RemotePlatformOptions): Promise<RemoteManifest>;
  putManifest(
    manifest: {readonly reference: string; readonly bytes: Uint8Array},
    options?: PutManifestOptions,
  ): Promise<StoredManifest>;
  /** Deletes what a name leads to with all its tags, or only the tag. */
  deleteManifest(reference: string, options?: DeleteManifestOptions): Promise<DeletedManifest>;
  /** An image's config as the registry holds it, byte for byte. */
  getConfig(reference: string, options?: RemotePlatformOptions): Promise<RemoteConfig>;
  /** Opens `repository@digest` for reading; what it yields was right only once it has ended. */
  openBlob(reference: string, options?: CallOptions): Promise<OpenedBlob>;
  headBlob(reference: string, options?: CallOptions): Promise<RemoteBlob>;
  listReferrers(reference: string, options?: ListReferrersOptions): Promise<RemoteReferrers>;
  /** Everything about an image that can be known without downloading a layer. */
  inspect(reference: string, options?: InspectRemoteOptions): Promise<RemoteImage>;
  /** @param reference Default: what Docker Hub keeps for this question. */
  rateLimit(reference?: string, options?: CallOptions): Promise<RemoteRateLimit>;
}

export const openRegistries = ({images, settings}: RegistriesContext): Registries => ({
  login: async (...args) =>
    (await import('../images/logins/login.ts')).login({registry: images.registry, settings}, ...args),
  checkLogin: async (...args) =>
    (await import('../images/logins/check-login.ts')).checkLoginAt({registry: images.registry}, ...args),
  logout: async (...args) => (await import('../images/logins/logout.ts')).logout(settings, ...args),
  logoutEverywhere: async (...args) => (await import('../images/logins/logout.ts')).logoutEverywhere(settings, ...args),
  getLogin: async (...args) => (await import('../images/logins/logout.ts')).getLogin(settings, ...args),
  explain: async (...args) => (await import('../images/explain-registry.ts')).explainRegistry(settings, ...args),
  listTags: async (...args) => (await import('../images/remote/list-tags.ts')).listRemoteTags(images, ...args),
  listRepositories: async (...args) =>
    (await import('../images/remote/list-repositories.ts')).listRemoteRepositories(images, ...args),
  resolveDigest: async (...args) =>
    (await import('../images/remote/resolve-digest.ts')).resolveRemoteDigest(images, ...args),
  getManifest: async (...args) => (await import('../images/remote/get-manifest.ts')).getRemoteManifest(images, ...args),
  putManifest: async (...args) => (await import('../images/remote/put-manifest.ts')).putRemoteManifest(images, ...args),
  deleteManifest: async (...args) =>
    (await import('../images/remote/delete-manifest.ts')).deleteRemoteManifest(images, ...args),
  getConfig: async (...args) => (await import('../images/remote/get-config.ts')).getRemoteConfig(images, ...args),
  openBlob: async (...args) => (await import('../images/remote/open-blob.ts')).openRemoteBlob(images, ...args),
  headBlob: async (...args) => (await import('../images/remote/open-blob.ts')).headRemoteBlob(images, ...args),
  listReferrers: async (...args) =>
    (await import('../images/remote/list-referrers.ts')).listRemoteReferrers(images, ...args),
  inspect: async (...args) => (await import('../images/remote/inspect-remote.ts')).inspectRemoteImage(images, ...args),
  rateLimit: async (...args) => (await import('../images/remote/rate-limit.ts')).readRemoteRateLimit(images, ...args),
});
