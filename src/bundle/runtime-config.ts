import {WinchError} from '../errors.ts';
import {isKernelAtLeast} from '../host/kernel-release.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {ImageConfig} from '../oci/image-config.ts';
import type {RuntimeLinux, RuntimeProcess, RuntimeSpec} from '../oci/runtime-spec.ts';
import {createAnnotations} from './annotations.ts';
import {createCapabilities} from './capabilities.ts';
import {createCommand} from './command.ts';
import type {ContainerOptions} from './container-options.ts';
import type {DevicePlan} from './devices.ts';
import {createEnvironment} from './environment.ts';
import {createHiddenPaths} from './hidden-paths.ts';
import type {HostFacts} from './host-facts.ts';
import {createMounts, initTarget, type NetworkFilePaths} from './mounts.ts';
import {createNamespaces, type NetworkOfContainer} from './namespaces.ts';
import {createResources} from './resources.ts';
import {createRlimits} from './rlimits.ts';
import {createSeccomp} from './seccomp.ts';
import {findSecurityOption} from './security-options.ts';
import {createSysctls} from './sysctls.ts';
import type {ResolvedUser} from './user.ts';
import {validateVolumes} from './volumes.ts';
import {createWorkingDirectory} from './working-directory.ts';

export interface RuntimeConfigInput {
  /** Null for a rootfs that comes from no image. */
  readonly image: ImageConfig | null;
  readonly options: ContainerOptions;
  readonly user: ResolvedUser;
  /** Absolute, or relative to the bundle's directory. */
  readonly rootfsPath: string;
  readonly hostname: string;
  readonly network: NetworkOfContainer & {
    /** Files to mount over the image's; null leaves those. */
    readonly files: NetworkFilePaths | null;
  };
  /** Absolute path of the container's cgroup below the cgroup mounts; null leaves it to the runtime. */
  readonly cgroupsPath: string | null;
  readonly devices: DevicePlan;
  readonly host: HostFacts;
  /** Size of the terminal in characters, when there is one. */
  readonly terminalSize?: {readonly columns: number; readonly rows: number} | null | undefined;
}

/** The newest version that every runtime since runc 1.0 takes. */
const OCI_VERSION = '1.0.2';

/** The kernel's HOST_NAME_MAX, in bytes. */
const MAX_HOSTNAME_BYTES = 64;

/** mount_setattr(2) can make a whole tree of mounts read-only since then. */
const RECURSIVE_READ_ONLY_KERNEL = '5.12';

/**
 * The runtime configuration of a container: docker's defaults, then what the image says, then what the caller asks.
 *
 * Pure: equal input gives equal output. Nothing of the host's environment gets in; no new privileges unless the caller
 * allows them or is privileged.
 *
 * @throws {WinchError} of kind `refused`: what the image says cannot be used (`WORKING_DIRECTORY_INVALID`,
 * `VOLUME_INVALID`) · `invalid`: what the caller asks (`COMMAND_MISSING`, `COMMAND_INVALID`, `ENVIRONMENT_INVALID`,
 * `CAPABILITY_UNKNOWN`, `MOUNT_INVALID`, `RESOURCE_INVALID`, `ULIMIT_INVALID`, `SYSCTL_INVALID`, `SECCOMP_INVALID`,
 * `HOSTNAME_INVALID`, `NAMESPACE_MISSING`) · `unsupported`: this machine cannot (`CAPABILITY_UNAVAILABLE`,
 * `CGROUP_CONTROLLER_MISSING`, `ULIMIT_TOO_HIGH`).
 * @see image-spec v1.1.1 conversion.md, runtime-spec v1.0.2 config.md
 */
export function createRuntimeConfig(input: RuntimeConfigInput): RuntimeSpec {
  const {image, options, host} = input;
  validateVolumes(image);
  validateHostname(input.hostname);
  refuseNames(options);
  return {
    ociVersion: OCI_VERSION,
    process: createProcess(input),
    root: {path: input.rootfsPath, readonly: options.readOnlyRootfs === true},
    ...(options.uts !== 'host' && {hostname: input.hostname}),
    mounts: createMounts({
      options,
      networkFiles: input.network.files,
      canLockRecursively: isKernelAtLeast(host.kernel, RECURSIVE_READ_ONLY_KERNEL),
    }),
    annotations: createAnnotations(image, options),
    linux: createLinux(input),
  };
}

function createProcess({image, options, user, hostname, host, terminalSize}: RuntimeConfigInput): RuntimeProcess {
  const {uid, gid, additionalGids, home} = user;
  const command = createCommand(image, options);
  const rlimits = createRlimits(options, host.hardLimits);
  const profile = findSecurityOption(options, 'apparmor')?.profile;
  const noNewPrivileges = findSecurityOption(options, 'no-new-privileges')?.enabled ?? options.privileged !== true;
  return {
    terminal: options.terminal === true,
    ...(options.terminal && terminalSize && {consoleSize: {height: terminalSize.rows, width: terminalSize.columns}}),
    user: {uid, gid, additionalGids},
    args: options.initPath === undefined ? command : [initTarget(options), '--', ...command],
    env: createEnvironment({image, options, hostname, home}),
    cwd: createWorkingDirectory(image, options),
    capabilities: createCapabilities(options, host.capabilities),
    ...(rlimits.length > 0 && {rlimits}),
    noNewPrivileges,
    // A kernel without AppArmor refuses any profile, even "unconfined".
    ...(profile !== undefined && profile !== 'unconfined' && {apparmorProfile: profile}),
    ...(options.oomScoreAdjustment !== undefined && {oomScoreAdj: options.oomScoreAdjustment}),
  };
}

function createLinux({options, network, cgroupsPath, devices, host}: RuntimeConfigInput): RuntimeLinux {
  const capabilities = createCapabilities(options, host.capabilities).bounding;
  const seccomp = createSeccomp(options, {...host, capabilities});
  const sharesMounts = options.mounts?.some((mount) => mount.type === 'bind' && mount.propagation?.endsWith('shared'));
  return {
    sysctl: createSysctls(options, network.namespace),
    resources: createResources(options, host.cgroup, devices),
    ...(cgroupsPath !== null && {cgroupsPath}),
    namespaces: createNamespaces({options, network, cgroupVersion: host.cgroup.version}),
    ...(devices.devices.length > 0 && {devices: devices.devices}),
    ...(seccomp !== null && {seccomp}),
    ...(sharesMounts && {rootfsPropagation: 'shared'}),
    ...createHiddenPaths(options, host.sensitivePaths),
  };
}

function refuseNames({uts, hostname, domainname}: ContainerOptions): void {
  if (uts !== 'host' || (hostname ?? domainname) === undefined) return;
  throw new WinchError('HOSTNAME_INVALID', 'a container that has the host name of the machine has none of its own', {
    kind: 'invalid',
    hint: 'leave out its host name and domain name, or let it have names of its own',
  });
}

function validateHostname(hostname: string): void {
  if (Buffer.byteLength(hostname) <= MAX_HOSTNAME_BYTES && /^[^\s\0/]+$/.test(hostname)) return;
  throw new WinchError('HOSTNAME_INVALID', `${excerpt(hostname)} is not a host name`, {
    kind: 'invalid',
    hint: `a host name has at most ${MAX_HOSTNAME_BYTES} bytes and no white space`,
  });
}
