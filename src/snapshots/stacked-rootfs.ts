import {join} from 'node:path';
import type {MountStep} from '../host/mounts.ts';
import type {Rootfs, RootfsRequest, SnapshotLayer} from './snapshotter.ts';

const NAME_RADIX = 36;
/** An overlay without an upper directory needs two lower ones; no base-36 number is spelt like this one's name. */
const EMPTY = '_';
/** The root directory's path among a layer's directories. */
const ROOT = '';
/** Directories that upper layers only imply, with the attributes that lower ones gave them. */
const RESTORED = '-';
/** Where the merged index of all layers is mounted; no base-36 number is spelt like these names either. */
const MERGED = '~';
/** Made for the attributes of its root alone. */
const MERGED_ROOT = '+';
const NO_MARKS = Object.freeze({implied: [], opaque: []});
/** Where in its writable directory an overlay keeps what is written. */
export const UPPER_DIRECTORY = 'upper';
/** Relative to the layers' directory: overlay options have no room for, and trouble with, absolute paths. */
const UPPER = Object.freeze({directory: `../writable/${UPPER_DIRECTORY}`, work: '../writable/work'});

/** A layer at its place in the overlay. */
export interface StackedLayer {
  readonly layer: SnapshotLayer;
  /**
   * `again`: right below itself, for a layer with whiteouts. Overlayfs hides whiteouts only in directories that it
   * merges, so a whiteout in a directory that no other layer has would be listed as a ghost.
   */
  readonly role: 'content' | 'again';
}

/** What makes a stack out of layers. */
export interface Stacking {
  mountLayer(layer: StackedLayer, target: string): MountStep;
  /** Mounts what all layers show together, which is tried first; absent: that has to be found out. */
  readonly mountMerged?: (target: string) => MountStep;
  /** What lays them over each other. */
  readonly overlay: 'overlay' | 'fuse-overlayfs';
}

/** An overlay of layers, each of which is mounted in its own way. */
export function prepareStacked({layers, directory, writable, servers}: RootfsRequest, stacking: Stacking): Rootfs {
  const base = join(directory, 'layers');
  const path = join(directory, 'rootfs');
  const isLasting = writable.type === 'directory' && (writable.isLasting ?? false);
  const upper = writable.type === 'none' ? null : {...UPPER, isLasting};
  const mounts: MountStep[] = [
    {type: 'directory', path: base, mode: 0o700},
    {type: 'directory', path, mode: 0o755},
    // The mount points live in memory, so that a run leaves nothing of them on disk.
    {type: 'tmpfs', target: base, options: 'mode=700'},
    {type: 'directory', path: join(base, EMPTY), mode: 0o755},
  ];
  if (upper) mounts.push(...upperMounts(base, writable));
  const overlay = {type: stacking.overlay, target: path, base, upper, ...(servers !== undefined && {servers})};
  const stack = lowerStack(layers);
  const {mountMerged} = stacking;
  if (!mountMerged) return {path, mounts: [...mounts, ...stackSteps({stack, overlay}, stacking)]};
  const either: MountStep = {
    type: 'either',
    first: mergeSteps({stack, overlay}, mountMerged),
    // Hardly ever asked for.
    get second() {
      return stackSteps({stack, overlay}, stacking);
    },
  };
  return {path, mounts: [...mounts, either]};
}

interface Laying {
  readonly stack: readonly Stacked[];
  /** But for what lies below. */
  readonly overlay: Omit<Extract<MountStep, {type: 'overlay' | 'fuse-overlayfs'}>, 'lower'>;
}

function stackSteps({stack, overlay}: Laying, {mountLayer}: Stacking): readonly MountStep[] {
  const {base, upper} = overlay;
  const steps = stack.flatMap(({name, ...stacked}): readonly MountStep[] => [
    {type: 'directory', path: join(base, name), mode: 0o755},
    mountLayer(stacked, join(base, name)),
  ]);
  const described = stack.filter(isContent);
  const restores = needsRestore(described);
  const restore = restores ? [restoreStep(base, described, upper !== null)] : [];
  const lower = [...(restores ? [RESTORED] : []), ...stack.map(({name}) => name), EMPTY];
  return [...steps, ...restore, {...overlay, lower}];
}

/** The same tree: the root's attributes are the only ones that an overlay has from elsewhere than its lower directories. */
function mergeSteps({stack, overlay}: Laying, mountMerged: (target: string) => MountStep): readonly MountStep[] {
  const {base, upper} = overlay;
  const path = join(base, MERGED);
  const root: MountStep = {
    ...{type: 'restore', layers: [{path, directories: NO_MARKS}], target: join(base, MERGED_ROOT)},
    upper: join(base, UPPER.directory),
  };
  return [
    {type: 'directory', path, mode: 0o755},
    mountMerged(path),
    ...(upper !== null && needsRestore(stack.filter(isContent)) ? [root] : []),
    {...overlay, lower: [MERGED, EMPTY]},
  ];
}

interface Stacked extends StackedLayer {
  readonly name: string;
}

/** The layers, topmost first. One that comes twice keeps its upper place: the lower one could add nothing. */
function lowerStack(layers: readonly SnapshotLayer[]): readonly Stacked[] {
  const visible = layers.slice(Math.max(0, layers.findLastIndex(hidesAllBelow)));
  const topmostFirst = [...new Map(visible.toReversed().map((layer) => [layer.path, layer])).values()];
  return topmostFirst
    .flatMap((layer): readonly StackedLayer[] => {
      const content = {layer, role: 'content'} as const;
      return layer.whiteouts > 0 ? [content, {layer, role: 'again'}] : [content];
    })
    .map((stacked, index) => ({name: index.toString(NAME_RADIX), ...stacked}));
}

const isContent = ({role}: StackedLayer): boolean => role === 'content';

/** Overlayfs does not look for the mark of an opaque directory on a root. */
const hidesAllBelow = ({directories}: SnapshotLayer): boolean => directories.opaque.includes(ROOT);

/** Only what lies above another layer can take anything from one. */
const needsRestore = (stack: readonly Stacked[]): boolean =>
  stack.slice(0, -1).some(({layer}) => layer.directories.implied.length > 0);

const restoreStep = (base: string, stack: readonly Stacked[], hasUpper: boolean): MountStep => ({
  type: 'restore',
  layers: stack.map(({name, layer}) => ({path: join(base, name), directories: layer.directories})),
  target: join(base, RESTORED),
  upper: hasUpper ? join(base, UPPER.directory) : null,
});

function upperMounts(base: string, writable: RootfsRequest['writable']): readonly MountStep[] {
  const target = join(base, '..', 'writable');
  return [
    {type: 'directory', path: target, mode: 0o700},
    writable.type === 'directory'
      ? {type: 'bind', source: writable.path, target}
      : {type: 'tmpfs', target, options: 'mode=700'},
    {type: 'directory', path: join(base, UPPER.directory), mode: 0o755},
    {type: 'directory', path: join(base, UPPER.work), mode: 0o700},
  ];
}
