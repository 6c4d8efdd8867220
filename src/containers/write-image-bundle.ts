import {statSync} from 'node:fs';
import {createCommand} from '../bundle/command.ts';
import type {ContainerOptions} from '../bundle/container-options.ts';
import {writeBundleConfig} from '../bundle/create-bundle.ts';
import {listMountPoints} from '../bundle/mount-points.ts';
import {parseStopSignal} from '../bundle/stop-signal.ts';
import {adaptToOwnNamespace} from '../bundle/user-namespace.ts';
import type {MountedTree} from '../host/harmless-path.ts';
import {prepareMountPoints, prepareWorkingDirectory, requireHarmlessDirectory} from '../host/mount-points.ts';
import {resolveInRoot} from '../host/root-path.ts';
import type {Syscalls} from '../host/syscalls.ts';
import {readTerminalSize} from '../host/terminal-size.ts';
import {createImageRuntimeConfig, readAccountFiles} from '../images/image-runtime-config.ts';
import {planNetwork} from '../network/plan-network.ts';
import type {ImageConfig} from '../oci/image-config.ts';
import type {RuntimeSpec} from '../oci/runtime-spec.ts';
import {cgroupPathOf} from './cgroup-place.ts';
import {type ConnectedNetwork, readHostFiles, writeNetworkFiles} from './networks/network-files.ts';
import {requireExecutable} from './require-executable.ts';
import type {MappedContainer} from './userns/mapped-container.ts';

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
  /** Absent: the container has no network, or the machine's. */
  readonly network?: ConnectedNetwork | null | undefined;
  /** Of a container with a user namespace of its own. */
  readonly mapped?: MappedContainer | null | undefined;
}

const SHORT_ID_DIGITS = 12;
const STANDARD_STREAMS = [0, 1, 2];
const DEFAULT_STOP_SIGNAL = 'SIGTERM';

/**
 * Writes the runtime configuration of a mounted image and makes its mount points.
 *
 * Synchronous throughout: only the calling thread sees the mounts.
 */
export function writeImageBundle(bundle: ImageBundle): void {
  const {directory, rootFd, image, container, syscalls, mapped} = bundle;
  const network = bundle.network ?? writeOwnNetwork(bundle);
  const adapted = adaptToOwnNamespace(
    createImageRuntimeConfig({
      image,
      container,
      rootFd,
      syscalls,
      rootfsPath: bundle.rootfsPath,
      hostname: network.hostname,
      network,
      cgroupsPath: cgroupPathOf(bundle),
      // Whoever sets the size of a terminal later may do so after the first program has asked for it.
      terminalSize: container.terminal ? readTerminalSize(syscalls, STANDARD_STREAMS) : null,
    }),
  );
  const spec =
    mapped?.adapt(adapted, {directory, network, readAccounts: () => readAccountFiles(syscalls, rootFd)}) ?? adapted;
  prepareMountPoints(syscalls, rootFd, listMountPoints(spec));
  prepareWorkingDirectory(syscalls, rootFd, spec.process.cwd);
  requireHarmlessDirectory(syscalls, {rootFd, mounts: mountedTrees(bundle, spec)}, spec.process.cwd);
  requireExecutable({syscalls, rootFd, spec, command: createCommand(image, container)[0] ?? ''});
  writeBundleConfig(directory, spec);
}

/** A runtime that leaks a directory to the first process lets what is mounted lead there as well (CVE-2024-21626). */
const mountedTrees = ({syscalls, rootFd}: ImageBundle, {mounts}: RuntimeSpec): readonly MountedTree[] =>
  mounts
    .filter(({type, source}) => type === 'bind' && statSync(source).isDirectory())
    .flatMap(({destination, source}) => {
      const place = resolveInRoot(syscalls, rootFd, destination) ?? destination;
      return [...new Set([destination, place])].map((target) => ({target, source}));
    });

/** The signal that asks the first process to end: the caller's, the image's, SIGTERM. */
export const chooseStopSignal = (image: ImageConfig, {stopSignal}: ContainerOptions): number =>
  parseStopSignal(stopSignal ?? image.config.StopSignal ?? DEFAULT_STOP_SIGNAL);

/** As docker's: the host's own name with the host's network or name, else the short id. */
export const chooseHostname = ({id, container, hostname}: Pick<ImageBundle, 'id' | 'container' | 'hostname'>): string =>
  container.hostname ??
  (container.network === 'host' || container.uts === 'host' ? hostname : id.slice(0, SHORT_ID_DIGITS));

function writeOwnNetwork(bundle: ImageBundle): ConnectedNetwork {
  const {directory, container} = bundle;
  const hostname = chooseHostname(bundle);
  const {extraHosts, dns} = container;
  const {namespace, files} = planNetwork(container.network === 'host' ? 'host' : 'none', {
    ...{hostname, extraHosts, dns},
    ...readHostFiles(),
  });
  return {namespace, path: null, hostname, files: writeNetworkFiles(directory, files)};
}
