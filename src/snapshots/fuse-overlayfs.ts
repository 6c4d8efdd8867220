import {mountExtracted} from './overlay.ts';
import type {Snapshotter} from './snapshotter.ts';
import {prepareStacked} from './stacked-rootfs.ts';

/** As the overlay driver, with a process in the kernel's place. */
export const fuseSnapshotter: Snapshotter = Object.freeze({
  name: 'fuse-overlayfs',
  prepare: (request) => prepareStacked(request, {mountLayer: mountExtracted, overlay: 'fuse-overlayfs'}),
} satisfies Snapshotter);
