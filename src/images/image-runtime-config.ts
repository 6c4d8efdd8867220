import type {ContainerOptions} from '../bundle/container-options.ts';
import {resolveDevices} from '../bundle/devices.ts';
import {readHostFacts} from '../bundle/host-facts.ts';
import {createRuntimeConfig, type RuntimeConfigInput} from '../bundle/runtime-config.ts';
import {type AccountFiles, resolveUser} from '../bundle/user.ts';
import {readFileInRoot} from '../host/root-files.ts';
import type {Syscalls} from '../host/syscalls.ts';
import type {ImageConfig} from '../oci/image-config.ts';
import type {RuntimeSpec} from '../oci/runtime-spec.ts';

export interface ImageRuntimeConfigInput {
  readonly image: ImageConfig;
  readonly container: ContainerOptions;
  /** The image's root file system, open. */
  readonly rootFd: number;
  readonly syscalls: Syscalls;
  readonly rootfsPath: string;
  readonly hostname: string;
  readonly network: RuntimeConfigInput['network'];
  readonly cgroupsPath: string | null;
  /** Of the terminal that the container gets to begin with; null when nobody knows. */
  readonly terminalSize?: RuntimeConfigInput['terminalSize'];
}

const ACCOUNT_FILE_LIMIT_BYTES = 10 * 1024 * 1024;

/**
 * The runtime configuration of an image whose root file system is at hand: users and groups are looked up in it.
 *
 * Synchronous: the root file system may be mounted for the calling thread only.
 *
 * @throws {WinchError} as `createRuntimeConfig` and `resolveUser`
 */
export function createImageRuntimeConfig(input: ImageRuntimeConfigInput): RuntimeSpec {
  const {image, container, syscalls, rootFd, rootfsPath, hostname, network, cgroupsPath, terminalSize} = input;
  const files = readAccountFiles(syscalls, rootFd);
  return createRuntimeConfig({
    image,
    options: container,
    user: resolveUser(files, container.user ?? image.config.User ?? '', container.groupAdd),
    rootfsPath,
    hostname,
    network,
    cgroupsPath,
    devices: resolveDevices(container),
    host: readHostFacts(),
    terminalSize,
  });
}

/**
 * The account files of a root file system.
 *
 * @throws {WinchError} `ROOTFS_FILE_INVALID`
 */
export function readAccountFiles(syscalls: Syscalls, rootFd: number): AccountFiles {
  const read = (path: string) => readFileInRoot(syscalls, rootFd, {path, limitBytes: ACCOUNT_FILE_LIMIT_BYTES});
  return {passwd: read('/etc/passwd'), group: read('/etc/group')};
}
