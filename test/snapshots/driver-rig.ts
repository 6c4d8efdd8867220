import {existsSync, mkdirSync} from 'node:fs';
import {buildTar, type TarEntry} from '../../fixtures/build-tar.ts';
import {extractLayer} from '../../src/layers/extract-layer.ts';
import type {RootfsRequest, SnapshotLayer, SnapshotterName} from '../../src/snapshots/snapshotter.ts';
import type {Listing} from '../helpers/file-tree.ts';
import {missingFor} from '../helpers/requires.ts';
import {makeLayerFixture} from '../layers/layer-fixture.ts';
import {mountSkip} from '../layers/mounted-tree.ts';
import {listRootfs, runInRootfs} from './mounted-rootfs.ts';

/** Layers as one driver mounts them, and what is seen of their stacks. */
export interface DriverRig {
  layer(...entries: readonly TarEntry[]): Promise<SnapshotLayer>;
  newDirectory(): string;
  /** What a shell prints in the mounted stack, base first. */
  run(layers: readonly SnapshotLayer[], script: string, more?: Partial<RootfsRequest>): string;
  /** Names below the root, as `./a/b`. */
  list(layers: readonly SnapshotLayer[], more?: Partial<RootfsRequest>): readonly string[];
  listAll(layers: readonly SnapshotLayer[]): Listing;
  remove(): void;
}

export function makeDriverRig(driver: SnapshotterName): DriverRig {
  const files = makeLayerFixture();
  const newDirectory = () => {
    const path = files.path();
    mkdirSync(path, {mode: 0o700});
    return path;
  };
  const requestOf = (layers: readonly SnapshotLayer[]) =>
    ({driver, layers, directory: newDirectory(), writable: {type: 'none'}}) as const;
  const run: DriverRig['run'] = (layers, script, more = {}) => runInRootfs({...requestOf(layers), ...more}, script);
  return {
    layer: async (...entries) => {
      const layer = await files.write(buildTar(entries));
      if (driver === 'erofs' || driver === 'copy') return layer;
      const directory = newDirectory();
      await extractLayer({layer, directory});
      return {...layer, path: directory};
    },
    newDirectory,
    run,
    list: (layers, more) => run(layers, 'find . -mindepth 1 | sort', more).trim().split('\n'),
    listAll: (layers) => listRootfs(requestOf(layers)),
    remove: files.remove,
  };
}

/** Why a driver cannot work here; undefined when it can. */
export const driverSkip = (driver: SnapshotterName): string | undefined => {
  if (driver !== 'fuse-overlayfs') return mountSkip;
  return existsSync('/dev/fuse') ? missingFor('fuse-overlayfs', 'setpriv') : 'there is no /dev/fuse';
};

export const file = (path: string, content = path): TarEntry => ({path, content});
export const directory = (path: string, mode = 0o755): TarEntry => ({path, type: 'directory', mode});
