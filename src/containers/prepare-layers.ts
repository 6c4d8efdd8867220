import {isWinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {findMergedIndex} from '../images/merged-index.ts';
import type {MountableLayer} from '../images/stored-image.ts';
import type {IdMappings} from '../oci/id-mappings.ts';
import type {SnapshotLayer, Snapshotter} from '../snapshots/snapshotter.ts';
import {chooseDriver, type DriverChoice} from './choose-driver.ts';
import type {ContainerContext} from './context.ts';
import type {ContainerDirectories} from './directories.ts';

/** Why only a copy will do. */
export const COPIED_FOR_OWNERS = 'only copies and the overlay driver can have other owners';

/** Layers as their driver mounts them. */
export interface PreparedLayers {
  readonly snapshotter: Snapshotter;
  /** Base first. */
  readonly layers: readonly SnapshotLayer[];
  /** Whether they have to be kept from removal as long as they are mounted. */
  readonly needsLease: boolean;
}

export interface LayersOfRun {
  /** Base first. */
  readonly layers: readonly MountableLayer[];
  readonly directories: ContainerDirectories;
  /**
   * Whether a copy that goes with the run will do where nobody asked for a driver and the store's file system takes no
   * extracted layers; default false.
   */
  readonly mayCopy?: boolean;
  /** Whether a copy stays in the writable directory, for the next start of the container; default false. */
  readonly keepsCopy?: boolean;
  /** Whose the files are to be on disk; absent or null: those who own them in the image. */
  readonly ownerIds?: IdMappings | null;
}

/**
 * Chooses the driver and has the layers extracted or copied where that needs them so, which is said where nobody asked
 * for it.
 *
 * @throws {WinchError} as `chooseDriver`, `extractLayers` and `copyImage`
 */
export async function prepareLayers(
  context: ContainerContext,
  run: LayersOfRun,
  options: CallOptions,
): Promise<PreparedLayers> {
  const choice = await chooseDriver(context);
  if (run.ownerIds && choice.name !== 'overlay') {
    return copy(context, {...run, choice: {name: 'copy', fallbackReason: COPIED_FOR_OWNERS}}, options);
  }
  switch (choice.name) {
    case 'erofs': {
      const {openErofsSnapshotter} = await import('../snapshots/erofs.ts');
      const snapshotter = openErofsSnapshotter(findMergedIndex(context.store, run.layers));
      return {snapshotter, layers: run.layers, needsLease: false};
    }
    case 'overlay': {
      const {overlaySnapshotter} = await import('../snapshots/overlay.ts');
      return extractOrCopy(context, {...run, choice, snapshotter: overlaySnapshotter}, options);
    }
    case 'fuse-overlayfs': {
      const {fuseSnapshotter} = await import('../snapshots/fuse-overlayfs.ts');
      return extractOrCopy(context, {...run, choice, snapshotter: fuseSnapshotter}, options);
    }
    case 'copy':
      return copy(context, {...run, choice}, options);
  }
}

type ChosenRun = LayersOfRun & {readonly choice: DriverChoice};
type ExtractedRun = ChosenRun & Pick<PreparedLayers, 'snapshotter'>;

/** An overlay takes files, but not the marks of another one: so it is with a store within a container. */
async function extractOrCopy(
  context: ContainerContext,
  run: ExtractedRun,
  options: CallOptions,
): Promise<PreparedLayers> {
  const {mayCopy = false, choice} = run;
  try {
    return await extract(context, run, options);
  } catch (error) {
    if (!mayCopy || choice.fallbackReason === null || !isWinchError(error, 'EXTRACT_UNSUPPORTED')) throw error;
    const fallbackReason = `${choice.fallbackReason}; ${error.message}`;
    return copy(context, {...run, choice: {...choice, fallbackReason}}, options);
  }
}

async function extract(
  context: ContainerContext,
  {layers, choice, snapshotter, ownerIds}: ExtractedRun,
  options: CallOptions,
): Promise<PreparedLayers> {
  const {extractLayers, treesOf} = await import('../images/extract-layers.ts');
  const extraction = {...options, ownerIds: ownerIds ?? undefined};
  const trees = treesOf(context, extraction);
  const isMissing = !layers.every(({diffId}) => trees.isComplete(diffId));
  const extracted = await extractLayers(context, layers, extraction);
  if (isMissing) warnOfFallback('layers are extracted, which takes time and space', choice, options);
  return {snapshotter, layers: extracted, needsLease: true};
}

async function copy(
  {store: {durability}}: ContainerContext,
  {layers, directories, choice, keepsCopy = false, ownerIds}: ChosenRun,
  options: CallOptions,
): Promise<PreparedLayers> {
  const {copySnapshotter} = await import('../snapshots/copy.ts');
  const {copyImage, findKeptCopy, keepCopy} = await import('./copy-image.ts');
  const place = keepsCopy ? directories.writable : null;
  const kept = place === null ? null : findKeptCopy(place);
  const prepared = {snapshotter: copySnapshotter, needsLease: false};
  if (kept !== null) return {...prepared, layers: [kept]};
  warnOfFallback(
    `all files are copied for this ${place ? 'container' : 'run'}, which takes time and space`,
    choice,
    options,
  );
  const copying = {...options, ownerIds: ownerIds ?? undefined};
  const tree = await (place === null
    ? copyImage(directories, layers, copying)
    : keepCopy({directory: place, durability}, layers, copying));
  return {...prepared, layers: [tree]};
}

function warnOfFallback(consequence: string, {fallbackReason}: DriverChoice, {onEvent}: CallOptions): void {
  if (fallbackReason === null) return;
  const message = `${consequence}: ${fallbackReason}`;
  onEvent?.({type: 'warning:raised', code: 'SNAPSHOTTER_FALLBACK', message});
}
