/** A network that containers join, as it was made; never changes. */
export interface NetworkDefinition {
  readonly name: string;
  /** 64 hexadecimal digits. */
  readonly id: string;
  /** ISO 8601. */
  readonly created: string;
  /** The bridge's device on this machine; there is none where it has a parent. */
  readonly bridge: string;
  /** Absent: it is a bridge. */
  readonly parent?: NetworkParent;
  /** One for each family of addresses, IPv4 first. */
  readonly subnets: readonly NetworkSubnet[];
  /** Whether nothing beyond it can be reached. */
  readonly isInternal: boolean;
  /** Bytes; null: the kernel's own choice. */
  readonly mtu: number | null;
  readonly labels: Readonly<Record<string, string>>;
}

export type NetworkDriver = 'bridge' | NetworkParent['driver'];

/** A device of this machine by which containers are in the network behind it themselves. */
export interface NetworkParent {
  readonly driver: 'macvlan' | 'ipvlan';
  readonly device: string;
  /** `bridge`, `private`, `vepa` or `passthru`; of an ipvlan `l2`, `l3` or `l3s`. */
  readonly mode: string;
}

/** Whether it is one that this machine forwards for. */
export const isBridged = ({parent}: NetworkDefinition): boolean => parent === undefined;

export interface NetworkSubnet {
  /** `10.1.2.0/24` */
  readonly subnet: string;
  /** This machine's own address in it. */
  readonly gateway: string;
  /** The part of it that containers get addresses from; null: all of it. */
  readonly range: {readonly first: string; readonly last: string} | null;
}

/** The families of addresses that networks have. */
export const familiesOf = (networks: readonly NetworkDefinition[]): readonly (4 | 6)[] =>
  ([4, 6] as const).filter((family) =>
    networks.some(({subnets}) => subnets.some(({subnet}) => subnet.includes(':') === (family === 6))),
  );

/** The network that is there without being made, and goes when nobody uses it. */
export const DEFAULT_NETWORK = 'bridge';
