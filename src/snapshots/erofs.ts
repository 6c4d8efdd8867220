import type {Snapshotter} from './snapshotter.ts';
import {prepareStacked} from './stacked-rootfs.ts';

/** Mounts layer files directly and lays an overlay over them (Linux 6.4 or later). */
export const erofsSnapshotter: Snapshotter = Object.freeze({
  name: 'erofs',
  prepare: (request) =>
    prepareStacked(request, {
      mountLayer: ({layer}, target) => ({type: 'erofs', source: layer.path, target}),
      overlay: 'overlay',
    }),
} satisfies Snapshotter);
