import {join} from 'node:path';
import type {Snapshotter} from './snapshotter.ts';

/**
 * Takes a tree that was written for this root file system alone, for machines that can mount no layers. Only one that
 * lasts is mounted, so that it is found where those of the other drivers are.
 */
export const copySnapshotter: Snapshotter = Object.freeze({
  name: 'copy',
  prepare: ({layers: [tree, ...more], directory, writable}) => {
    if (!tree || more.length > 0) throw new Error(`a copy is one tree, and not ${more.length + (tree ? 1 : 0)}`);
    if (writable.type !== 'directory' || !writable.isLasting) return {path: tree.path, mounts: []};
    const path = join(directory, 'rootfs');
    const mounts = [
      {type: 'directory', path, mode: 0o755},
      {type: 'bind', source: tree.path, target: path},
    ] as const;
    return {path, mounts};
  },
} satisfies Snapshotter);
