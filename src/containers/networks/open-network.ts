import type {ContainerOptions} from '../../bundle/container-options.ts';
import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import type {NetworkMode, PublishRequest} from '../../network/network-mode.ts';
import {readContainerPorts} from '../../network/port-form.ts';
import {excerpt} from '../../oci/excerpt.ts';
import type {ImageConfig} from '../../oci/image-config.ts';
import type {ContainerContext} from '../context.ts';
import {nameFromId} from '../random-name.ts';
import {chooseHostname} from '../write-image-bundle.ts';
import {connectContainer} from './connect.ts';
import type {OpenNetwork} from './network-files.ts';
import type {NetworkRequest} from './take-network.ts';

/**
 * Makes the network that a container asks for, or opens that of another container or of somebody else.
 *
 * @throws {WinchError} as `connectContainer`, `connectStack` and `shareNetwork`
 */
export async function openNetwork(
  context: ContainerContext,
  {id, name, directory, container, image, mapped}: NetworkRequest,
  options: CallOptions,
): Promise<OpenNetwork> {
  const mode = container.network as Exclude<NetworkMode, string>;
  const hostname = chooseHostname({id, container, hostname: context.hostname});
  if ('networks' in mode) {
    // Ports lead into the first of them.
    const publish = mode.networks.length > 0 ? listPublished(container, image) : [];
    return connectContainer(
      context,
      {id, name: name ?? nameFromId(id), hostname, directory, joins: mode.networks, publish, container, mapped},
      options,
    );
  }
  if ('stack' in mode) {
    const {connectStack} = await import('./connect-stack.ts');
    const publish = listPublished(container, image);
    return connectStack({directory, hostname, stack: mode.stack, publish, container, mapped}, options);
  }
  if (mapped) throw foreignNetwork();
  const {shareNetwork} = await import('./share.ts');
  return shareNetwork(context, mode, {directory, hostname, container});
}

/** What is asked for, and what the image exposes where all of it is to be reached. */
function listPublished({publish = [], publishAll}: ContainerOptions, image: ImageConfig): readonly PublishRequest[] {
  if (publishAll !== true) return publish;
  const exposed = Object.keys(image.config.ExposedPorts ?? {}).flatMap(parseExposed);
  const isAsked = ({containerPort, protocol}: PublishRequest) =>
    publish.some((other) => other.containerPort === containerPort && other.protocol === protocol);
  return [...publish, ...exposed.filter((request) => !isAsked(request))];
}

/** `80/tcp`, `53/udp`, `8000` (image-spec v1.1.1 config.md, ExposedPorts); docker's images have ranges as well. */
function parseExposed(text: string): readonly PublishRequest[] {
  const read = readContainerPorts(text);
  if (read === null) throw invalidExposed(text);
  const {ports, protocol} = read;
  return Array.from({length: ports.last - ports.first + 1}, (_, index) => ({
    hostAddress: null,
    hostPorts: null,
    containerPort: ports.first + index,
    protocol,
  }));
}

const invalidExposed = (text: string): WinchError =>
  new WinchError('PORT_INVALID', `the image exposes ${excerpt(text)}, which is no port`, {kind: 'refused'});

/** The kernel lets nobody from a user namespace join what belongs to another one. */
const foreignNetwork = (): WinchError =>
  new WinchError('NAMESPACE_UNSUPPORTED', 'a container in a user namespace of its own joins no network of another', {
    kind: 'unsupported',
    hint: 'give it a network of its own, or the ids of the machine',
  });
