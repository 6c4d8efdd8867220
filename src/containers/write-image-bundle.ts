import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {createCommand} from '../bundle/command.ts';
import type {ContainerOptions} from '../bundle/container-options.ts';
import {writeBundleConfig} from '../bundle/create-bundle.ts';
import {listMountPoints} from '../bundle/mount-points.ts';
import {parseStopSignal} from '../bundle/stop-signal.ts';
import {adaptToOwnNamespace} from '../bundle/user-namespace.ts';
import {hasErrno} from '../errors.ts';
import {prepareMountPoints, prepareWorkingDirectory} from '../host/mount-points.ts';
import type {Syscalls} from '../host/syscalls.ts';
import {createImageRuntimeConfig} from '../images/image-runtime-config.ts';
import type {NetworkPlan} from '../network/network.ts';
import {planNetwork} from '../network/plan-network.ts';
import type {ImageConfig} from '../oci/image-config.ts';
import {cgroupPath} from './directories.ts';
import {requireExecutable} from './require-executable.ts';

export interface ImageBundle {
  readonly id: string;
  /** Where config.json and the network's files go. */
  readonly directory: string;
  /** The mounted root file system. */
  readonly rootFd: number;
  readonly rootfsPath: string;
  readonly image: ImageConfig;
  readonly container: ContainerOptions;
  readonly syscalls: Syscalls;
  /** The host's name. */
  readonly hostname: string;
}

const SHORT_ID_DIGITS = 12;
const DEFAULT_STOP_SIGNAL = 'SIGTERM';

/**
 * Writes the runtime configuration of a mounted image and makes its mount points.
 *
 * Synchronous throughout: only the calling thread sees the mounts.
 */
export function writeImageBundle(bundle: ImageBundle): void {
  const {id, directory, rootFd, image, container, syscalls} = bundle;
  const network = planNetwork(container.network ?? 'none', {
    hostname: chooseHostname(bundle),
    extraHosts: container.extraHosts,
    dns: container.dns,
    hostHosts: readOrNull('/etc/hosts'),
    hostResolvConf: readOrNull('/etc/resolv.conf'),
  });
  const spec = adaptToOwnNamespace(
    createImageRuntimeConfig({
      image,
      container,
      rootFd,
      syscalls,
      rootfsPath: bundle.rootfsPath,
      hostname: chooseHostname(bundle),
      network: {namespace: network.namespace, files: writeNetworkFiles(directory, network)},
      cgroupsPath: cgroupPath(id),
    }),
  );
  prepareMountPoints(syscalls, rootFd, listMountPoints(spec));
  prepareWorkingDirectory(syscalls, rootFd, spec.process.cwd);
  requireExecutable({syscalls, rootFd, spec, command: createCommand(image, container)[0] ?? ''});
  writeBundleConfig(directory, spec);
}

/** The signal that asks the first process to end: the caller's, the image's, SIGTERM. */
export const chooseStopSignal = (image: ImageConfig, {stopSignal}: ContainerOptions): number =>
  parseStopSignal(stopSignal ?? image.config.StopSignal ?? DEFAULT_STOP_SIGNAL);

/** As docker's: the host's own name with the host's network, else the short id. */
export const chooseHostname = ({id, container, hostname}: Pick<ImageBundle, 'id' | 'container' | 'hostname'>): string =>
  container.hostname ?? (container.network === 'host' ? hostname : id.slice(0, SHORT_ID_DIGITS));

function writeNetworkFiles(directory: string, {files}: NetworkPlan) {
  const write = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text, {mode: 0o644});
    return path;
  };
  return {
    hosts: write('hosts', files.hosts),
    hostname: write('hostname', files.hostname),
    resolvConf: write('resolv.conf', files.resolvConf),
  };
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}
