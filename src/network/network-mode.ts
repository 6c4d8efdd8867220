/**
 * What network a container has: `none` but a loopback of its own, the machine's (`host`), networks that it joins, one that
 * a program connects with the rights of a user (null: whichever is installed), that of another container, or a namespace
 * that somebody else has made.
 */
export type NetworkMode =
  | 'none'
  | 'host'
  | {readonly networks: readonly NetworkJoin[]}
  | {readonly stack: StackName | null}
  | {readonly container: string}
  | {readonly namespace: string};

export type StackName = 'pasta' | 'slirp4netns';

export interface NetworkJoin {
  readonly name: string;
  /** Further names by which the other members find the container. */
  readonly aliases?: readonly string[] | undefined;
  /** At most one of each family; absent: any that is free. */
  readonly addresses?: readonly string[] | undefined;
  readonly macAddress?: string | undefined;
  /** Names that other members have for this one alone. */
  readonly links?: readonly NetworkLink[] | undefined;
}

export interface NetworkLink {
  /** Name or whole id of a container that is in the same network, now or later. */
  readonly container: string;
  readonly alias: string;
}

export type PortProtocol = 'tcp' | 'udp' | 'sctp';

/** A port of a container that is to be reached through this machine's addresses. */
export interface PublishRequest {
  /** Null: all of the machine's addresses. */
  readonly hostAddress: string | null;
  /** The first of these that is free; null: any. */
  readonly hostPorts: {readonly first: number; readonly last: number} | null;
  readonly containerPort: number;
  readonly protocol: PortProtocol;
}

/** A port that is. */
export interface PublishedPort {
  readonly hostAddress: string | null;
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: PortProtocol;
}
