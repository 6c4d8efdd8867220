import type {CallOptions} from '../events.ts';
import type {MountableLayer} from '../images/stored-image.ts';
import type {SnapshotLayer, Snapshotter} from '../snapshots/snapshotter.ts';
import {chooseDriver} from './choose-driver.ts';
import type {ContainerContext} from './context.ts';

/** Layers as their driver mounts them. */
export interface PreparedLayers {
  readonly snapshotter: Snapshotter;
  /** Base first. */
  readonly layers: readonly SnapshotLayer[];
  /** Whether they have to be kept from removal as long as they are mounted. */
  readonly needsLease: boolean;
}

/**
 * Chooses the driver and has the layers extracted where that needs them so, which is said where nobody asked for it.
 *
 * @throws {WinchError} as `chooseDriver` and `extractLayers`
 */
export async function prepareLayers(
  context: ContainerContext,
  layers: readonly MountableLayer[],
  options: CallOptions,
): Promise<PreparedLayers> {
  const {name, fallbackReason} = await chooseDriver(context);
  if (name === 'erofs') {
    const {erofsSnapshotter} = await import('../snapshots/erofs.ts');
    return {snapshotter: erofsSnapshotter, layers, needsLease: false};
  }
  const {overlaySnapshotter} = await import('../snapshots/overlay.ts');
  const {extractLayers} = await import('../images/extract-layers.ts');
  const {trees} = context.store;
  if (fallbackReason !== null && !layers.every(({diffId}) => trees.isComplete(diffId))) {
    const message = `layers are extracted, which takes time and space: ${fallbackReason}`;
    options.onEvent?.({type: 'warning:raised', code: 'SNAPSHOTTER_FALLBACK', message});
  }
  return {
    snapshotter: overlaySnapshotter,
    layers: await extractLayers(context, layers, options),
    needsLease: true,
  };
}
