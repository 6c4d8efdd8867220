import type {ContainerOptions} from '../bundle/container-options.ts';
import type {CommandContext} from './command.ts';
import {mayBeImage} from './or-of-image.ts';

/**
 * As `becomeRoot`, to make a container: with the network of another one it has to be in that one's user namespace.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `USER_NAMESPACE_DENIED`
 */
export async function becomeRootToMake({network}: ContainerOptions, context: CommandContext): Promise<void> {
  if (context.environment.userId !== 0 && typeof network === 'object' && 'container' in network) {
    const {containers} = await context.openToolkit();
    await context.becomeRootOf(async () => (await containers.inspect(network.container)).pid);
  }
  await context.becomeRoot();
}

/**
 * As `becomeRoot`, to read or write the files of a container: of one that runs only root of its user namespace may enter
 * them. Goes on as it is where a name is no container's.
 *
 * @throws {WinchError} `CONTAINER_AMBIGUOUS` | `USER_NAMESPACE_DENIED`
 */
export async function becomeRootOfContainer(container: string, context: CommandContext): Promise<void> {
  if (context.environment.userId === 0) return;
  const {containers} = await context.openToolkit();
  try {
    await context.becomeRootOf(async () => (await containers.inspect(container)).pid);
  } catch (error) {
    if (mayBeImage(error)) return;
    throw error;
  }
  await context.becomeRoot();
}
