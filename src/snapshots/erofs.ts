import {devicesOf} from '../layers/merged-head.ts';
import type {Snapshotter} from './snapshotter.ts';
import {prepareStacked} from './stacked-rootfs.ts';

/** Mounts layer files directly and lays an overlay over them (Linux 6.4 or later). */
export const erofsSnapshotter: Snapshotter = openErofsSnapshotter(null);

/**
 * As {@link erofsSnapshotter}, for layers that have a merged index, which is mounted instead where the kernel can (Linux
 * 6.12 or later).
 *
 * @param merged Its path; null: there is none.
 */
export function openErofsSnapshotter(merged: string | null): Snapshotter {
  return Object.freeze({
    name: 'erofs',
    prepare: (request) =>
      prepareStacked(request, {
        mountLayer: ({layer}, target) => ({type: 'erofs', source: layer.path, target}),
        overlay: 'overlay',
        ...(merged !== null && {
          mountMerged: (target) => ({type: 'erofs', source: merged, target, devices: devicesOf(request.layers)}),
        }),
      }),
  } satisfies Snapshotter);
}
