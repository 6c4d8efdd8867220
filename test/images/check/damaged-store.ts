import {chmodSync, readFileSync, rmSync, truncateSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {buildIndex} from '../../../fixtures/build-image.ts';
import {startRegistry} from '../../../fixtures/registry-server.ts';
import type {ToolkitOptions} from '../../../src/toolkit.ts';
import {openTestStore} from '../../helpers/open-store.ts';
import {appTar, baseTar, imageOf} from '../sample-images.ts';

const AMD64 = {platform: 'linux/amd64'};

/** A store with one image of an index, of a compressed layer and a plain one, beside the registry that it came from. */
export async function openDamagedStore(options: Partial<ToolkitOptions> = {}) {
  const registry = await startRegistry();
  const store = await openTestStore(options);
  const image = imageOf([baseTar, appTar], {compression: ['gzip', 'none']});
  const other = imageOf([baseTar], {platform: {os: 'linux', architecture: 'arm64'}});
  const index = buildIndex([image, other]);
  registry.put('app', '1', index);
  const reference = `${registry.host}/app:1`;
  await store.toolkit.images.pull(reference, AMD64);
  const [layer, plain] = image.layers;
  const [diffId] = image.diffIds;
  if (!layer || !plain || diffId === undefined) throw new Error('the sample has two layers');
  const below = (path: string) => join(store.root, path);
  const place = (directory: string, digest: string) => below(`${directory}/${digest.replace(':', '/')}`);
  return {
    registry,
    reference,
    root: store.root,
    toolkit: store.toolkit,
    images: store.toolkit.images,
    openToolkit: () => store.open(),
    /** As another process that comes later. */
    reopen: async () => (await store.open()).images,
    /** Of the layer in `paths.layer`. */
    tarBytes: baseTar.length,
    paths: {
      blob: place('blobs', layer.digest),
      manifest: place('blobs', image.manifest.digest),
      config: place('blobs', image.config.digest),
      plain: place('blobs', plain.digest),
      index: place('blobs', index.index.digest),
      layer: join(place('layers', diffId), 'layer.erofs'),
      database: below('winch.db'),
      below,
    },
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await registry.close();
    },
  };
}

export type DamagedStore = Awaited<ReturnType<typeof openDamagedStore>>;

export function flipBit(path: string, offset: number, bit = 0): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(offset) ^ (1 << bit), offset);
  writeFileSync(path, bytes);
}

/** Ways to hurt a file. */
export const HARMS: Readonly<Record<'missing' | 'size' | 'mode', (path: string) => void>> = {
  missing: (path) => rmSync(path),
  size: (path) => truncateSync(path, 10),
  mode: (path) => chmodSync(path, 0o644),
};
