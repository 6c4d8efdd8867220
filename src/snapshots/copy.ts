import type {Snapshotter} from './snapshotter.ts';

/** Takes a tree that was written for this root file system alone, for machines that can mount no layers. */
export const copySnapshotter: Snapshotter = Object.freeze({
  name: 'copy',
  prepare: ({layers: [tree, ...more]}) => {
    if (!tree || more.length > 0) throw new Error(`a copy is one tree, and not ${more.length + (tree ? 1 : 0)}`);
    return {path: tree.path, mounts: []};
  },
} satisfies Snapshotter);
