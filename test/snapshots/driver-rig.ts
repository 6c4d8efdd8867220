import {existsSync, mkdirSync, statfsSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {buildTar, type TarEntry} from '../../fixtures/build-tar.ts';
import {canMountDevices} from '../../src/host/mount-erofs.ts';
import {extractLayer} from '../../src/layers/extract-layer.ts';
import {SNAPSHOTTERS, type SnapshotLayer} from '../../src/snapshots/snapshotter.ts';
import type {Listing} from '../helpers/file-tree.ts';
import {missingFor} from '../helpers/requires.ts';
import {makeLayerFixture} from '../layers/layer-fixture.ts';
import {mountSkip} from '../layers/mounted-tree.ts';
import {listRootfs, type MountedRequest, runInRootfs, type WayToMount} from './mounted-rootfs.ts';

/** Every driver, and the one for layer files once more with the merged index of all layers. */
export const WAYS_TO_MOUNT: readonly WayToMount[] = [...SNAPSHOTTERS, 'merged'];

/** Layers as one driver mounts them, and what is seen of their stacks. */
export interface DriverRig {
  layer(...entries: readonly TarEntry[]): Promise<SnapshotLayer>;
  newDirectory(): string;
  /** What a shell prints in the mounted stack, base first. */
  run(layers: readonly SnapshotLayer[], script: string, more?: Partial<MountedRequest>): string;
  /** Names below the root, as `./a/b`. */
  list(layers: readonly SnapshotLayer[], more?: Partial<MountedRequest>): readonly string[];
  listAll(layers: readonly SnapshotLayer[]): Listing;
  remove(): void;
}

export function makeDriverRig(driver: WayToMount): DriverRig {
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
      if (driver !== 'overlay' && driver !== 'fuse-overlayfs') return layer;
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
export const driverSkip = (driver: WayToMount): string | undefined => {
  if (driver === 'merged') return mountSkip ?? deviceSkip();
  if (driver !== 'fuse-overlayfs') return mountSkip;
  return existsSync('/dev/fuse') ? missingFor('fuse-overlayfs', 'setpriv') : 'there is no /dev/fuse';
};

const TMPFS = 0x01021994;

/** Why the kernel takes no files for devices of a file system. */
function deviceSkip(): string | undefined {
  if (!canMountDevices()) return 'Linux 6.12 is needed, and root';
  return statfsSync(tmpdir()).type === TMPFS ? `${tmpdir()} is in memory` : undefined;
}

export const file = (path: string, content = path): TarEntry => ({path, content});
export const directory = (path: string, mode = 0o755): TarEntry => ({path, type: 'directory', mode});
