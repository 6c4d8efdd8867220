import type {Credential} from '../registry/credentials.ts';

/** How registries are reached; paths that do not exist count as absent. */
export interface RegistrySettings {
  /** docker's `config.json`. */
  readonly dockerConfigPath?: string | undefined;
  /** `auth.json` files of containers-auth.json(5), the first that has an entry wins; asked before docker's. */
  readonly authFiles?: readonly string[] | undefined;
  /** Sent to every registry that a call names, instead of what files and helpers hold. */
  readonly credential?: Credential | undefined;
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
  /** Files of certificate authorities (PEM) that are trusted besides the system's. */
  readonly certificateAuthorityFiles?: readonly string[] | undefined;
  /** `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY` (or in lower case). */
  readonly proxyEnvironment?: Readonly<Record<string, string>> | undefined;
  readonly userAgent?: string | undefined;
}
