/** What an endpoint may be asked for; `resolve`: which digest a tag has, so it has to be trusted. */
export type Capability = 'pull' | 'resolve' | 'push';

/** Where a setting comes from. */
export interface SettingSource {
  /** Absent: winch's own rule. */
  readonly file?: string;
  /** The entry in the file, or the rule: `[[registry]] docker.io`. */
  readonly entry: string;
}

/** What a TLS handshake trusts and shows. */
export interface TlsSettings {
  readonly isVerified: boolean;
  /** Certificates (PEM) that are trusted besides the usual ones. */
  readonly authorities: readonly string[];
  readonly client: {readonly certificate: string; readonly key: string} | null;
  /** The files that this was read from. */
  readonly files: readonly string[];
}

/** One place that may answer for a repository. */
export interface Endpoint {
  /** `host[:port]` */
  readonly host: string;
  /** Origins to try, the first to answer is taken. */
  readonly origins: readonly string[];
  /** What stands for the API's `/v2`; begins with a slash and ends without. */
  readonly apiPath: string;
  /** The repository as it is called there. */
  readonly repository: string;
  /** Added to every request. */
  readonly query: Readonly<Record<string, string>>;
  /** Sent with every request, to this host only. */
  readonly headers: Readonly<Record<string, string>>;
  readonly capabilities: readonly Capability[];
  /** Mirrors may be limited to what is asked for by digest, or by tag. */
  readonly serves: 'all' | 'digest' | 'tag';
  readonly tls: TlsSettings;
  /** A mirror is read from only, and gets no login that was meant for the registry. */
  readonly isMirror: boolean;
  readonly source: SettingSource;
}

/** Where the repository of a registry is read and written. */
export interface HostPlan {
  readonly registry: string;
  /** In the order to try; the registry itself comes last. */
  readonly endpoints: readonly Endpoint[];
  /** Where writes go. */
  readonly pushEndpoint: Endpoint;
  /** What forbids to ask at all. */
  readonly blockedBy: SettingSource | null;
}

export interface HostWarning {
  readonly code: string;
  readonly message: string;
}

/** Where registries are, as configuration says; files are read when they are first needed, and once. */
export interface HostDirectory {
  /** @throws {WinchError} `REGISTRY_CONFIG_INVALID` */
  plan(name: {readonly registry: string; readonly repository: string}): Promise<HostPlan>;
  /**
   * For a host that no plan is about: a token server, or where a redirect leads.
   *
   * @throws {WinchError} `REGISTRY_CONFIG_INVALID`
   */
  tls(host: string): Promise<TlsSettings>;
  /** What is odd about the files that were read since the last call. */
  takeWarnings(): readonly HostWarning[];
}

/** The part of a file system that configuration is read from. */
export interface HostFiles {
  /** Null: there is no such file. */
  read(path: string): Promise<Buffer | null>;
  /** The names in a directory, in order; none when there is no such directory. */
  list(directory: string): Promise<readonly string[]>;
}
