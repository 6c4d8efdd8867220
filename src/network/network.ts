/** What a network driver needs to know; nothing of it is read by the driver itself. */
export interface NetworkRequest {
  /** The container's host name. */
  readonly hostname: string;
  readonly extraHosts?: readonly {readonly name: string; readonly address: string}[] | undefined;
  /** Replaces what the host's `resolv.conf` says, each part for itself. */
  readonly dns?: DnsOptions | undefined;
  /** The host's `/etc/hosts`; null when it has none. */
  readonly hostHosts: string | null;
  /** The host's `/etc/resolv.conf`; null when it has none. */
  readonly hostResolvConf: string | null;
}

export interface DnsOptions {
  readonly servers?: readonly string[];
  readonly search?: readonly string[];
  readonly options?: readonly string[];
}

/** Contents of the files that tell a container its name and its neighbours. */
export interface NetworkFiles {
  readonly hosts: string;
  readonly hostname: string;
  readonly resolvConf: string;
}

export interface NetworkPlan {
  /** `new`: the runtime makes a network namespace with only a loopback device. */
  readonly namespace: 'new' | 'host';
  readonly files: NetworkFiles;
}

/**
 * Plans the network of one container. Pure.
 *
 * @throws {WinchError} `NETWORK_INVALID`: an address or a name that would not be one line of its file.
 */
export type PlanNetwork = (request: NetworkRequest) => NetworkPlan;
