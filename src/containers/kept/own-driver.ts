import {hasOwnUserns, type UsernsMode} from '../../bundle/userns-mode.ts';
import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {isMachinesRoot} from '../../host/user-namespace.ts';
import type {MountableLayer} from '../../images/stored-image.ts';
import {chooseDriver} from '../choose-driver.ts';
import type {ContainerContext} from '../context.ts';
import {COPIED_FOR_OWNERS} from '../prepare-layers.ts';
import {nameOf} from './find-container.ts';
import type {KeptRecord, OwnDriver} from './record.ts';

/**
 * The driver that a new container is bound to; null: one of the kernel's, each of which goes on with what another one of
 * them has left.
 *
 * @throws {WinchError} `MOUNT_UNSUPPORTED`
 */
export async function chooseOwnDriver(
  context: ContainerContext,
  {layers, userns}: {readonly layers: readonly MountableLayer[]; readonly userns: UsernsMode | undefined},
  {onEvent}: Pick<CallOptions, 'onEvent'>,
): Promise<OwnDriver | null> {
  const {name, fallbackReason} = await chooseDriver(context);
  if (name === 'fuse-overlayfs' && needsOwners(userns)) {
    const message = `all files are copied for this container, which takes time and space: ${COPIED_FOR_OWNERS}`;
    onEvent?.({type: 'warning:raised', code: 'SNAPSHOTTER_FALLBACK', message});
    return 'copy';
  }
  if (name === 'erofs') return null;
  const mayCopy = name !== 'copy' && fallbackReason !== null && layers.some(({whiteouts}) => whiteouts > 0);
  const fault = mayCopy ? (await import('../try-extraction.ts')).findExtractionFault(context.store.paths.ingest) : null;
  if (fault === null) return name === 'overlay' ? null : name;
  const message = `all files are copied for this container, which takes time and space: ${fallbackReason}; ${fault}`;
  onEvent?.({type: 'warning:raised', code: 'SNAPSHOTTER_FALLBACK', message});
  return 'copy';
}

const needsOwners = (userns: UsernsMode | undefined): boolean => hasOwnUserns(userns) && !isMachinesRoot();

/** The context with the driver that a container goes on with. @throws {WinchError} `KEEP_UNSUPPORTED` */
export async function withOwnDriver(
  context: ContainerContext,
  record: Pick<KeptRecord, 'id' | 'name' | 'snapshotter'>,
): Promise<ContainerContext> {
  const {name} = await chooseDriver(context);
  const {snapshotter: own} = record;
  if (own !== undefined) return own === name ? context : {...context, snapshotter: own};
  if (name === 'erofs' || name === 'overlay') return context;
  const message = `container ${nameOf(record)} was made with a driver of the kernel, and cannot go on with ${name}`;
  throw new WinchError('KEEP_UNSUPPORTED', message, {
    kind: 'unsupported',
    hint: 'start it with the erofs or the overlay driver, or make a new one',
  });
}
