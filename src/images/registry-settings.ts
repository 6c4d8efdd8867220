import type {GivenCredential} from '../registry/credentials.ts';
import type {RetryPolicy} from '../registry/retry-budget.ts';

/** How registries are reached; paths that do not exist count as absent. */
export interface RegistrySettings {
  /** Sent to the registries it names instead of what files and helpers hold; never to mirrors or where redirects lead. */
  readonly credential?: GivenCredential | undefined;
  /** The content of a `config.json`, as `DOCKER_AUTH_CONFIG` holds it; asked before all files. */
  readonly dockerAuthConfig?: string | undefined;
  /** `auth.json` files of containers-auth.json(5), the first that has an entry wins; asked before docker's. */
  readonly authFiles?: readonly string[] | undefined;
  /** docker's `config.json`. */
  readonly dockerConfigPath?: string | undefined;
  /** The `auth.json` where logins are kept. Absent: they are kept in docker's `config.json`. */
  readonly loginFile?: string | undefined;
  /** What credential helpers get to see of the environment (PATH, HOME …); absent: nothing. */
  readonly helperEnvironment?: Readonly<Record<string, string>> | undefined;
  /** Registries (`host[:port]`) that may be asked over plain HTTP or unverified TLS; loopback may always use HTTP. */
  readonly insecureRegistries?: readonly string[] | 'all' | undefined;
  /** `registries.conf` of containers-registries.conf(5), the first that exists; its `registries.conf.d` beside it counts. */
  readonly registriesConfPaths?: readonly string[] | undefined;
  /** containerd's host directories (`<directory>/<host>/hosts.toml`), the first that has the host wins. */
  readonly hostsDirectories?: readonly string[] | undefined;
  /** docker's certificate directories (`<directory>/<host>/*.crt`, `*.cert`, `*.key`), the first that has the host wins. */
  readonly certificateDirectories?: readonly string[] | undefined;
  /** Certificates (`*.crt`, `*.cert`, `*.key`) for every host; before those of the directories. */
  readonly certificateDirectory?: string | undefined;
  /** Files of certificate authorities (PEM) that are trusted besides the system's. */
  readonly certificateAuthorityFiles?: readonly string[] | undefined;
  /** `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY` (or in lower case). */
  readonly proxyEnvironment?: Readonly<Record<string, string>> | undefined;
  readonly userAgent?: string | undefined;
  /** Volatile, on a tmpfs: where processes share the pauses that registries asked for. Absent: each keeps to its own. */
  readonly runtimeDirectory?: string | undefined;
  /** How long and how often what failed is tried again. Default: for a minute. */
  readonly retryPolicy?: Partial<RetryPolicy> | undefined;
}
