import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import type {ContainerOptions} from '../../bundle/container-options.ts';
import type {NetworkFilePaths} from '../../bundle/mounts.ts';
import {openNetworkNamespace} from '../../host/network-namespace.ts';
import {planBridgeNetwork} from '../../network/bridge.ts';
import type {ContainerContext} from '../context.ts';
import {requireLive} from '../kept/find-live.ts';
import {type OpenNetwork, readReachableHostFiles, writeNetworkFiles} from './network-files.ts';

/** Whose network it is. */
export type SharedNetwork = {readonly container: string} | {readonly namespace: string};

export interface SharingContainer {
  readonly directory: string;
  readonly hostname: string;
  readonly container: Pick<ContainerOptions, 'extraHosts' | 'dns'>;
}

/**
 * The network of another container that runs, with its names, or a network namespace that somebody has made.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED` | `NETWORK_NAMESPACE_MISSING`
 */
export async function shareNetwork(
  context: ContainerContext,
  mode: SharedNetwork,
  sharing: SharingContainer,
): Promise<OpenNetwork> {
  if ('namespace' in mode) {
    const {path, close} = openNetworkNamespace(mode.namespace);
    return {namespace: 'host', path, close, hostname: sharing.hostname, files: writeOwnFiles(sharing)};
  }
  const other = await requireLive(context, mode.container);
  const files = filesOf(other.directory);
  const {path, close} = openNetworkNamespace(`/proc/${other.pid}/ns/net`);
  if (files === null) {
    return {namespace: 'host', path, close, hostname: sharing.hostname, files: writeOwnFiles(sharing)};
  }
  return {namespace: 'host', path, close, hostname: readFileSync(files.hostname, 'utf8').trim(), files};
}

function writeOwnFiles({directory, hostname, container: {extraHosts, dns}}: SharingContainer): NetworkFilePaths {
  const {files} = planBridgeNetwork({hostname, extraHosts, dns, ...readReachableHostFiles()});
  return writeNetworkFiles(directory, files);
}

/** Null: somebody's bundle has no files of winch's. */
function filesOf(directory: string): NetworkFilePaths | null {
  const at = (name: string) => join(directory, name);
  const files = {hosts: at('hosts'), hostname: at('hostname'), resolvConf: at('resolv.conf')};
  return Object.values(files).every((path) => existsSync(path)) ? files : null;
}
