import {join} from 'node:path';
import type {MountStep} from '../host/mounts.ts';
import {EXTRACTED} from '../layers/extracted.ts';
import type {Snapshotter} from './snapshotter.ts';
import {prepareStacked, type StackedLayer} from './stacked-rootfs.ts';

/** Lays an overlay over extracted layers, for machines that cannot mount layer files. */
export const overlaySnapshotter: Snapshotter = Object.freeze({
  name: 'overlay',
  prepare: (request) => prepareStacked(request, {mountLayer: mountExtracted, overlay: 'overlay'}),
} satisfies Snapshotter);

/** One directory cannot be in an overlay twice, so below a layer with whiteouts go its directories that have some. */
export const mountExtracted = ({layer, role}: StackedLayer, target: string): MountStep => ({
  type: 'bind',
  source: join(layer.path, role === 'content' ? EXTRACTED.content : EXTRACTED.hiding),
  target,
});
