import {spawnSync} from 'node:child_process';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';
import {isWinchError} from '../../src/errors.ts';
import {enterPrivateMountNamespace, type MountStep, performMounts} from '../../src/host/mounts.ts';
import {loadSyscalls} from '../../src/host/syscalls.ts';
import {EMPTY_ROOT, type FileNode} from '../../src/layers/file-tree.ts';
import {devicesOf} from '../../src/layers/merged-head.ts';
import {type MergeableLayer, writeMergedIndex} from '../../src/layers/merged-index.ts';
import {type IndexedLayer, stackLayer} from '../../src/layers/read-layer-index.ts';
import {writeRootfs} from '../../src/layers/write-rootfs.ts';
import {chainIds} from '../../src/oci/chain-id.ts';
import {copySnapshotter} from '../../src/snapshots/copy.ts';
import {erofsSnapshotter, openErofsSnapshotter} from '../../src/snapshots/erofs.ts';
import {fuseSnapshotter} from '../../src/snapshots/fuse-overlayfs.ts';
import {overlaySnapshotter} from '../../src/snapshots/overlay.ts';
import type {RootfsRequest, SnapshotLayer, Snapshotter, SnapshotterName} from '../../src/snapshots/snapshotter.ts';
import {type Listing, listTree} from '../helpers/file-tree.ts';
import {fsckFindings} from '../helpers/fsck-erofs.ts';

/** `merged`: erofs with the merged index of all layers, and nothing else. */
export type WayToMount = SnapshotterName | 'merged';

export interface MountedRequest extends RootfsRequest {
  /** `kernel`: nothing but mount(8), of layers that are directories. */
  readonly driver: WayToMount | 'kernel';
  /** For `erofs`: the merged index of all layers. */
  readonly merged?: string;
}

/** Stands for a script that lists everything. */
const LIST = 'list';

/** Mounts a root file system in a process of its own and lists it. */
export const listRootfs = (request: MountedRequest): Listing => JSON.parse(runInRootfs(request, LIST)) as Listing;

/** Mounts a root file system in a process of its own and runs a shell script in it; returns what it prints. */
export function runInRootfs(request: MountedRequest, script: string): string {
  const program = fileURLToPath(import.meta.url);
  const {stdout, stderr, status} = spawnSync(process.execPath, [program, JSON.stringify(request), script], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

const SNAPSHOTTERS: Readonly<Record<SnapshotterName, Snapshotter>> = {
  erofs: erofsSnapshotter,
  overlay: overlaySnapshotter,
  'fuse-overlayfs': fuseSnapshotter,
  copy: copySnapshotter,
};

async function main(request: MountedRequest, script: string): Promise<void> {
  process.umask(0o077);
  const mount = request.driver === 'kernel' ? mountByHand : await prepareMounts({...request, driver: request.driver});
  let path: string;
  try {
    path = mount(request);
  } catch (error) {
    if (!isWinchError(error)) throw error;
    process.stdout.write(error.code);
    return;
  }
  if (script === LIST) {
    process.stdout.write(JSON.stringify(listTree(path)));
    return;
  }
  const {stdout, stderr} = spawnSync('/bin/sh', ['-c', script], {cwd: path, encoding: 'utf8'});
  process.stdout.write(stdout + stderr);
}

/** Mounts and tells where. */
type Mount = (request: MountedRequest) => string;

async function prepareMounts(request: MountedRequest & {readonly driver: WayToMount}): Promise<Mount> {
  const {driver, directory} = request;
  const indexed = request.layers as readonly (SnapshotLayer & MergeableLayer)[];
  const layers = driver === 'copy' ? [await copyLayers(indexed, directory)] : request.layers;
  const snapshotter = driver === 'merged' ? await mergeLayers(indexed, directory) : snapshotterOf(driver, request);
  const {path, mounts} = snapshotter.prepare({...request, layers});
  const steps = driver === 'merged' ? mounts.flatMap(withoutSecond) : mounts;
  const syscalls = loadSyscalls();
  return () => {
    enterPrivateMountNamespace(syscalls);
    performMounts(syscalls, steps);
    return path;
  };
}

const snapshotterOf = (driver: SnapshotterName, {merged}: MountedRequest): Snapshotter =>
  merged === undefined ? SNAPSHOTTERS[driver] : openErofsSnapshotter(merged);

const withoutSecond = (step: MountStep): readonly MountStep[] => (step.type === 'either' ? step.first : [step]);

async function mergeLayers(layers: readonly MergeableLayer[], directory: string): Promise<Snapshotter> {
  const path = `${directory}.merged`;
  const chainId = chainIds(layers.map(({diffId}) => diffId)).at(-1);
  if (chainId === undefined) return erofsSnapshotter;
  assert.ok(await writeMergedIndex({path, chainId, layers, durability: 'fast'}));
  assert.is(fsckFindings(path, devicesOf(layers)), null);
  return openErofsSnapshotter(path);
}

async function copyLayers(layers: readonly IndexedLayer[], directory: string): Promise<SnapshotLayer> {
  let root: FileNode | null = null;
  for (const layer of layers) root = await stackLayer(root, layer);
  await writeRootfs(root ?? EMPTY_ROOT, {directory, name: 'rootfs'});
  return {path: join(directory, 'rootfs'), whiteouts: 0, directories: {implied: [], opaque: []}};
}

function mountByHand({layers, directory}: MountedRequest): string {
  enterPrivateMountNamespace(loadSyscalls());
  const lower = layers.map(({path}) => path).toReversed();
  const words = ['-t', 'overlay', '-o', `ro,lowerdir=${lower.join(':')}`, 'overlay', directory];
  const {status, stderr} = spawnSync('mount', words, {encoding: 'utf8'});
  if (status !== 0) throw new Error(stderr);
  return directory;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , request = '', script = ''] = process.argv;
  await main(JSON.parse(request) as MountedRequest, script);
}
