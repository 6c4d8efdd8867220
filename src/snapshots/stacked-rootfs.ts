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
  /** What lays them over each other. */
  readonly overlay: 'overlay' | 'fuse-overlayfs';
}

/** An overlay of layers, each of which is mounted in its own way. */
export function prepareStacked({layers, directory, writable}: RootfsRequest, {mountLayer, overlay}: Stacking): Rootfs {
  const base = join(directory, 'layers');
  const path = join(directory, 'rootfs');
  const stack = lowerStack(layers);
  const isLasting = writable.type === 'directory' && (writable.isLasting ?? false);
  const upper = writable.type === 'none' ? null : {...UPPER, isLasting};
  const mounts: MountStep[] = [
    {type: 'directory', path: base, mode: 0o700},
    {type: 'directory', path, mode: 0o755},
    // The mount points live in memory, so that a run leaves nothing of them on disk.
    {type: 'tmpfs', target: base, options: 'mode=700'},
    {type: 'directory', path: join(base, EMPTY), mode: 0o755},
  ];
  for (const {name, ...stacked} of stack) {
    mounts.push({type: 'directory', path: join(base, name), mode: 0o755});
    mounts.push(mountLayer(stacked, join(base, name)));
  }
  if (upper) mounts.push(...upperMounts(base, writable));
  const described = stack.filter(({role}) => role === 'content');
  const restores = needsRestore(described);
  if (restores) mounts.push(restoreStep(base, described, upper !== null));
  const lower = [...(restores ? [RESTORED] : []), ...stack.map(({name}) => name), EMPTY];
  mounts.push({type: overlay, target: path, base, lower, upper});
  return {path, mounts};
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
