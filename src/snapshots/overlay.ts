import {join} from 'node:path';
import {EXTRACTED} from '../layers/extracted.ts';
import type {Snapshotter} from './snapshotter.ts';
import {prepareStacked} from './stacked-rootfs.ts';

/**
 * Lays an overlay over extracted layers, for machines that cannot mount layer files.
 *
 * One directory cannot be in an overlay twice, so below a layer with whiteouts go its directories that have some.
 */
export const overlaySnapshotter: Snapshotter = Object.freeze({
  name: 'overlay',
  prepare: (request) =>
    prepareStacked(request, ({layer, role}, target) => ({
      type: 'bind',
      source: join(layer.path, role === 'content' ? EXTRACTED.content : EXTRACTED.hiding),
      target,
    })),
} satisfies Snapshotter);
