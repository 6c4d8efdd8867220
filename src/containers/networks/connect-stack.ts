import type {ContainerOptions} from '../../bundle/container-options.ts';
import {WinchError} from '../../errors.ts';
import {makeNetworkNamespace} from '../../host/network-namespace.ts';
import {isInitialUserNamespace} from '../../host/user-namespace.ts';
import {assignPorts} from '../../network/assign-ports.ts';
import {findHostGateway, replaceHostGateway} from '../../network/host-gateway.ts';
import type {PublishRequest, StackName} from '../../network/network-mode.ts';
import {chooseStack, planStackFiles, startStack} from '../../network/user-stack.ts';
import type {MappedContainer} from '../userns/mapped-container.ts';
import {type OpenNetwork, readReachableHostFiles, writeNetworkFiles} from './network-files.ts';
import {writeStack} from './stack-note.ts';

export interface StackConnection {
  /** The container's directory in memory. */
  readonly directory: string;
  readonly hostname: string;
  /** Null: whichever is installed. */
  readonly stack: StackName | null;
  readonly publish: readonly PublishRequest[];
  readonly container: Pick<ContainerOptions, 'extraHosts' | 'dns'>;
  /** As of `NetworkRequest`. */
  readonly mapped: MappedContainer | null;
}

/**
 * Makes a network namespace for a container of a user, and has a program connect it to the machine's network. What it
 * starts ends with `leaveNetworks`.
 *
 * @throws {WinchError} `NETWORK_UNSUPPORTED` | `NETWORK_PROGRAM_NOT_FOUND` | `NETWORK_FAILED` | `NETWORK_INVALID` |
 * `PORT_TAKEN` | `PORT_ADDRESS_MISSING` | `PORT_DENIED` | `PORT_UNREACHABLE`
 */
export async function connectStack(
  {directory, hostname, stack: asked, publish, container: {extraHosts, dns}, mapped}: StackConnection,
  {signal}: {readonly signal?: AbortSignal | undefined} = {},
): Promise<OpenNetwork> {
  requireUser(asked);
  const stack = chooseStack(asked);
  requireCarried(stack.name, publish);
  const machine = findHostGateway(stack.name, extraHosts);
  const entries = replaceHostGateway(extraHosts, machine?.address);
  const files = planStackFiles(stack.name, {hostname, extraHosts: entries, dns, ...readReachableHostFiles()});
  const ports = await assignPorts(publish, []);
  writeStack(directory, {name: stack.name, ports});
  const namespace = await (mapped?.makeNetwork() ?? makeNetworkNamespace());
  try {
    const ownAddress = machine?.freeAddress ?? null;
    await startStack(stack, {directory, namespace: namespace.path, ports, ownAddress}, {signal});
    const paths = writeNetworkFiles(directory, files);
    return {namespace: 'new', path: namespace.path, hostname, files: paths, close: () => namespace.close()};
  } catch (error) {
    namespace.close();
    throw error;
  }
}

/** The programs give up the rights of root before they enter a namespace. */
function requireUser(asked: StackName | null): void {
  if (!isInitialUserNamespace()) return;
  throw new WinchError('NETWORK_UNSUPPORTED', `${asked ?? 'pasta'} connects containers of users, not of root`, {
    kind: 'unsupported',
    hint: 'as root, choose the network bridge',
  });
}

function requireCarried(name: StackName, publish: readonly PublishRequest[]): void {
  const lost = publish.find(
    ({protocol, hostAddress}) =>
      protocol === 'sctp' || (name === 'slirp4netns' && hostAddress !== null && hostAddress.includes(':')),
  );
  if (lost === undefined) return;
  const what = lost.protocol === 'sctp' ? 'sctp' : lost.hostAddress;
  throw new WinchError('PORT_UNREACHABLE', `${name} opens no port of ${what}`, {
    kind: 'unsupported',
    hint: lost.protocol === 'sctp' ? 'run it as root' : 'install pasta (apt-get install passt), which does',
  });
}
