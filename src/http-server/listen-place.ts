/** Where a server listens. */
export type ListenPlace = SocketPlace | PortPlace | InheritedPlace;

/** A unix socket. */
export interface SocketPlace {
  readonly type: 'socket';
  readonly path: string;
  /** Who may connect besides the owner; null: nobody. */
  readonly groupId: number | null;
}

/** A TCP port, of which everybody who can reach it is served who shows a certificate. */
export interface PortPlace {
  readonly type: 'port';
  /** An address, or a name of this machine. */
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Null: whoever connects is served, without encryption. */
  readonly tls: MutualTls | null;
}

/** A socket that listens already, as systemd hands it over. */
export interface InheritedPlace {
  readonly type: 'inherited';
  readonly descriptor: number;
  /** What holds when it is a TCP port; a unix socket has the mode that systemd gave it. */
  readonly tls: MutualTls | null;
}

/** Both sides show a certificate (PEM). */
export interface MutualTls {
  /** Of which the clients' certificates must be. */
  readonly authorities: string;
  readonly certificate: string;
  readonly key: string;
}
