import type {NetworkMode, PublishRequest} from '../network/network-mode.ts';
import type {IpcMode} from './ipc-mode.ts';
import type {LimitOptions} from './limit-options.ts';
import type {UsernsMode} from './userns-mode.ts';

/**
 * What the caller asks of a container, beyond what its image says. Every field has the meaning of docker's flag of the
 * same name. Parsed and typed by the CLI; the library takes it as it is.
 */
export interface ContainerOptions extends LimitOptions {
  /** Replaces the image's Cmd. */
  readonly command?: readonly string[];
  /** Replaces the image's Entrypoint (and drops its Cmd); an empty array removes it. */
  readonly entrypoint?: readonly string[];
  /** `NAME=value`; later entries win over earlier ones and over the image's. */
  readonly environment?: readonly string[];
  readonly workingDirectory?: string;
  /** `user[:group]`, names or numbers. */
  readonly user?: string;
  readonly groupAdd?: readonly string[];
  readonly hostname?: string;
  readonly domainname?: string;
  readonly terminal?: boolean;
  readonly readOnlyRootfs?: boolean;
  readonly mounts?: readonly MountRequest[];
  /** Mounts the binds and volumes of these kept containers as well, where nothing else is mounted. */
  readonly volumesFrom?: readonly VolumesFrom[];
  /** Absent: `none`. */
  readonly network?: NetworkMode;
  /** Ports that are reached through this machine's addresses; for containers that join networks. */
  readonly publish?: readonly PublishRequest[];
  /** Publishes the ports that the image exposes as well, each at any free port. */
  readonly publishAll?: boolean;
  /** Further lines of `/etc/hosts`; `host-gateway` as an address is this machine, in a bridge or a stack of a user. */
  readonly extraHosts?: readonly {readonly name: string; readonly address: string}[];
  /** Each part replaces the host's own. */
  readonly dns?: {
    readonly servers?: readonly string[];
    readonly search?: readonly string[];
    readonly options?: readonly string[];
  };
  /** Whose processes it sees besides its own: the machine's, those of a container that runs, or of a namespace by its path. */
  readonly pid?: 'host' | {readonly container: string} | {readonly namespace: string};
  /** Whose shared memory and message queues it has; `none`: its own, without `/dev/shm`; `shareable`: others may join. */
  readonly ipc?: IpcMode;
  /** Whose host name it has, and may see change. */
  readonly uts?: 'host';
  /** `host`: it sees where its cgroup is; absent: `private` where cgroups are unified. */
  readonly cgroupns?: 'host' | 'private';
  /** Whose ids its users and groups are; absent: as `host`. */
  readonly userns?: UsernsMode;
  readonly capabilitiesToAdd?: readonly string[];
  readonly capabilitiesToDrop?: readonly string[];
  readonly privileged?: boolean;
  /** `no-new-privileges[=bool]`, `seccomp=unconfined|<json>`, `apparmor=<profile>`, `unmask=…`, `mask=…`. */
  readonly securityOptions?: readonly SecurityOption[];
  readonly ulimits?: readonly {readonly name: string; readonly soft: number; readonly hard: number}[];
  readonly shmBytes?: number;
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly devices?: readonly {readonly source: string; readonly target: string; readonly permissions: string}[];
  /** `TYPE MAJOR:MINOR PERMISSIONS` of further devices that it may use (`c 13:* rwm`), whose nodes it has to make. */
  readonly deviceCgroupRules?: readonly string[];
  readonly oomScoreAdjustment?: number;
  /** The cgroup that its own is below: a path from the root of the hierarchies, else from that of whoever starts it. */
  readonly cgroupParent?: string;
  /** Runs a small init as pid 1 that forwards signals and reaps; the path of a static init on the host. */
  readonly initPath?: string;
  readonly stopSignal?: string;
  /** How long it may take to end by that before it is killed, when nothing else is said; negative: for ever. */
  readonly stopTimeoutSeconds?: number;
  /** How it is checked whether it does its work, over what its image says; `none`: not at all. */
  readonly health?: HealthOptions | 'none';
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

/** What is not said is as the image says, else as usual. */
export interface HealthOptions {
  /** What a shell of the container runs, or a program and its arguments; the container is well when that ends with 0. */
  readonly command?: string | readonly string[] | undefined;
  /** Between two checks; absent: 30 seconds. */
  readonly intervalMs?: number | undefined;
  /** Absent: 30 seconds. */
  readonly timeoutMs?: number | undefined;
  /** How many failures in a row make it unhealthy; absent: 3. */
  readonly retries?: number | undefined;
  /** How long failures do not count until the first success; absent: not at all. */
  readonly startPeriodMs?: number | undefined;
  /** Between two checks in that time; absent: 5 seconds. */
  readonly startIntervalMs?: number | undefined;
}

export interface VolumesFrom {
  /** Name, id, or the first digits of an id. */
  readonly container: string;
  /** Absent: as that container has them. */
  readonly readOnly?: boolean | undefined;
}

export type MountRequest =
  | {
      readonly type: 'bind';
      readonly source: string;
      /** What of the source is mounted: a path below it, whose symlinks are followed within it. */
      readonly subpath?: string;
      readonly target: string;
      readonly readOnly: boolean;
      /** `rprivate` when absent. */
      readonly propagation?: 'private' | 'rprivate' | 'shared' | 'rshared' | 'slave' | 'rslave';
      /** `-v` creates a missing source directory, `--mount` refuses. */
      readonly createSource: boolean;
      /** Whether what is mounted below the source is there as well; default true. */
      readonly recursive?: boolean;
      /**
       * With `readOnly`, what is mounted below is read-only too where the kernel can do that (Linux 5.12). `writable`: never;
       * `readonly`: the kernel has to.
       */
      readonly submounts?: 'writable' | 'readonly';
      /** Whether its files belong in a user namespace of the container to whom they belong on disk; default: they do not. */
      readonly mapsOwners?: boolean;
      /** What is mounted for this container alone, in the place of the source. */
      readonly mounts?: MountedDevice;
    }
  | VolumeMount
  | ImageMount
  | {
      readonly type: 'tmpfs';
      readonly target: string;
      readonly readOnly?: boolean;
      readonly sizeBytes?: number;
      /** Permission bits; when absent, those of the directory that is there, else 0o1777. */
      readonly mode?: number;
      /** Further mount options (`exec`, `nosuid`, …) as given by `--tmpfs`. */
      readonly options?: readonly string[];
    };

/** The files of an image, as a container of it would first see them. */
export interface ImageMount {
  readonly type: 'image';
  /** A reference, or the id of a stored image. */
  readonly source: string;
  /** What the source meant when the container was made. */
  readonly imageId?: string;
  readonly target: string;
  /** What of the image is mounted: a path below its root, whose symlinks are followed within it. */
  readonly subpath?: string;
  /** Default true; what is written otherwise is kept in memory, and goes when the container ends. */
  readonly readOnly?: boolean;
}

/** A file system that is mounted where it is used, as mount(8) would. */
export interface MountedDevice {
  /** `tmpfs`, `nfs`, `ext4` …; `none` for a bind. */
  readonly type: string;
  readonly device: string;
  /** As `mount -o` takes them. */
  readonly options: string;
}

/** A volume of the store, made when there is none of its name. */
export interface VolumeMount {
  readonly type: 'volume';
  /** Its name; absent: one of the container's own. */
  readonly source?: string;
  readonly target: string;
  readonly readOnly?: boolean;
  /** When it has to be made. */
  readonly labels?: Readonly<Record<string, string>>;
  /** As `labels`: it is a mount of this, which each container that uses it has for itself; absent: a directory of the store. */
  readonly mounts?: MountedDevice;
  /** An empty volume stays empty, whatever the image has at the target. */
  readonly nocopy?: boolean;
  /** What of the volume is mounted, which must be there; nothing is copied then. */
  readonly subpath?: string;
  readonly propagation?: 'private' | 'rprivate' | 'shared' | 'rshared' | 'slave' | 'rslave';
}

export type SecurityOption =
  | {readonly name: 'no-new-privileges'; readonly enabled: boolean}
  | {readonly name: 'seccomp'; readonly profile: 'unconfined' | 'default' | Readonly<Record<string, unknown>>}
  | {readonly name: 'apparmor'; readonly profile: string}
  | {readonly name: 'mask'; readonly paths: readonly string[]}
  | {readonly name: 'unmask'; readonly paths: readonly string[] | 'ALL'};
