import {existsSync} from 'node:fs';
import {join} from 'node:path';
import type {ContainerOptions} from '../../bundle/container-options.ts';
import {isWinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import type {CleanupStack} from '../../host/cleanup.ts';
import type {ImageConfig} from '../../oci/image-config.ts';
import type {ContainerContext} from '../context.ts';
import type {MappedContainer} from '../userns/mapped-container.ts';
import type {ConnectedNetwork, OpenNetwork} from './network-files.ts';
import {leftFile} from './places.ts';
import {hasStack} from './stack-note.ts';

/** Of a container that is connected, in its directory in memory. */
export const CONNECTION_NOTE = 'network.json';

export interface NetworkRequest {
  readonly id: string;
  readonly name: string | null;
  /** The container's directory in memory. */
  readonly directory: string;
  readonly container: ContainerOptions;
  readonly image: ImageConfig;
  /** Whose network it is to be; null: the machine's root's, or the user's. */
  readonly mapped: MappedContainer | null;
}

/**
 * The network of a container that starts, unless it has none or the machine's. What it leaves is cleared with the rest of
 * the container's remains.
 *
 * @throws {WinchError} as `openNetwork`
 */
export async function takeNetwork(
  context: ContainerContext,
  request: NetworkRequest,
  options: CallOptions,
): Promise<OpenNetwork | null> {
  if (typeof request.container.network !== 'object') return null;
  return (await import('./open-network.ts')).openNetwork(context, request, options);
}

/** As `takeNetwork`, until the cleanup. */
export async function takeNetworkOfRun(
  context: ContainerContext,
  {cleanup, ...request}: NetworkRequest & {readonly cleanup: CleanupStack},
  options: CallOptions,
): Promise<ConnectedNetwork | null> {
  let network: OpenNetwork | null = null;
  cleanup.add(async () => {
    network?.close();
    await leaveNetworks(context, request.directory, options);
  });
  network = await takeNetwork(context, request, options);
  return network;
}

/** Whether a container has networks to leave. */
export const isConnected = (directory: string): boolean => existsSync(join(directory, CONNECTION_NOTE));

/** Takes a container that does not run any more out of its networks. */
export async function leaveNetworks(
  context: ContainerContext,
  directory: string,
  options: Pick<CallOptions, 'onEvent'> = {},
): Promise<void> {
  if (hasStack(directory)) await (await import('../../network/user-stack.ts')).endStack(directory);
  if (!isConnected(directory)) return;
  await (await import('./disconnect.ts')).disconnectContainer(context, directory, options);
}

/**
 * Clears what could not be cleared when containers left their networks.
 *
 * @returns why it still cannot be, for a warning; null: nothing is left.
 */
export async function clearLeft(context: ContainerContext): Promise<Error | null> {
  if (!existsSync(leftFile(context))) return null;
  const {settleLeft, describeLeft} = await import('./settle-left.ts');
  try {
    await settleLeft(context);
    return null;
  } catch (error) {
    if (!isWinchError(error)) throw error;
    return new Error(describeLeft(error), {cause: error});
  }
}
