/**
 * `config.json` of an OCI runtime bundle: what winch writes, and no more.
 *
 * @see runtime-spec v1.0.2 config.md, config-linux.md
 */
export interface RuntimeSpec {
  readonly ociVersion: string;
  readonly process: RuntimeProcess;
  readonly root: {readonly path: string; readonly readonly: boolean};
  readonly hostname?: string;
  readonly mounts: readonly RuntimeMount[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly linux: RuntimeLinux;
}

export interface RuntimeProcess {
  readonly terminal?: boolean;
  /** In characters; only with a terminal. */
  readonly consoleSize?: {readonly height: number; readonly width: number};
  readonly user: RuntimeUser;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly capabilities: RuntimeCapabilities;
  readonly rlimits?: readonly RuntimeRlimit[];
  readonly noNewPrivileges: boolean;
  readonly apparmorProfile?: string;
  readonly oomScoreAdj?: number;
}

export interface RuntimeUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids?: readonly number[];
}

export interface RuntimeCapabilities {
  readonly bounding: readonly string[];
  readonly effective: readonly string[];
  readonly permitted: readonly string[];
  readonly inheritable: readonly string[];
  readonly ambient: readonly string[];
}

/** `RLIMIT_*`. Values are uint64: "unlimited" is 2^64 - 1, which only a bigint holds. */
export interface RuntimeRlimit {
  readonly type: string;
  readonly soft: bigint;
  readonly hard: bigint;
}

export interface RuntimeMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export interface RuntimeLinux {
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly resources: RuntimeResources;
  readonly cgroupsPath?: string;
  readonly namespaces: readonly {readonly type: RuntimeNamespace; readonly path?: string}[];
  readonly uidMappings?: readonly RuntimeIdMapping[];
  readonly gidMappings?: readonly RuntimeIdMapping[];
  readonly devices?: readonly RuntimeDevice[];
  readonly seccomp?: RuntimeSeccomp;
  readonly rootfsPropagation?: 'private' | 'shared' | 'slave' | 'unbindable';
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
}

export type RuntimeNamespace = 'cgroup' | 'ipc' | 'mount' | 'network' | 'pid' | 'user' | 'uts';

/** `size` ids of a user namespace from `containerID` on, and those from `hostID` on that they are outside of it. */
export interface RuntimeIdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

export interface RuntimeDevice {
  readonly path: string;
  readonly type: 'b' | 'c' | 'p';
  readonly major: number;
  readonly minor: number;
  readonly fileMode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** One rule of the device cgroup; later rules win. Absent numbers mean "any". */
export interface RuntimeDeviceRule {
  readonly allow: boolean;
  readonly type?: 'a' | 'b' | 'c';
  readonly major?: number;
  readonly minor?: number;
  /** Some of `rwm`. */
  readonly access: string;
}

export interface RuntimeResources {
  readonly devices: readonly RuntimeDeviceRule[];
  /** Bytes; `swap` is memory plus swap, -1 without limit, and `reservation` what is left to it as long as possible. */
  readonly memory?: {
    readonly limit?: number;
    readonly swap?: number;
    readonly reservation?: number;
    readonly swappiness?: number;
  };
  /** `quota` and `period` in microseconds. */
  readonly cpu?: {
    readonly shares?: number;
    readonly quota?: number;
    readonly period?: number;
    readonly cpus?: string;
    readonly mems?: string;
  };
  readonly pids?: {readonly limit: number};
  readonly blockIO?: RuntimeBlockIo;
}

/** Weights are from 10 to 1000; rates are bytes or requests per second. */
export interface RuntimeBlockIo {
  readonly weight?: number;
  readonly weightDevice?: readonly {readonly major: number; readonly minor: number; readonly weight: number}[];
  readonly throttleReadBpsDevice?: readonly RuntimeThrottle[];
  readonly throttleWriteBpsDevice?: readonly RuntimeThrottle[];
  readonly throttleReadIOPSDevice?: readonly RuntimeThrottle[];
  readonly throttleWriteIOPSDevice?: readonly RuntimeThrottle[];
}

export interface RuntimeThrottle {
  readonly major: number;
  readonly minor: number;
  readonly rate: number;
}

export interface RuntimeSeccomp {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures: readonly string[];
  readonly flags?: readonly string[];
  readonly syscalls: readonly RuntimeSyscallRule[];
}

export interface RuntimeSyscallRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly RuntimeSyscallArgument[];
}

export interface RuntimeSyscallArgument {
  readonly index: number;
  readonly value: number;
  readonly valueTwo?: number;
  readonly op: string;
}
