import type {ContainerContext} from '../containers/context.ts';
import type {MountBundleOptions, MountedBundleReport} from '../containers/mount-bundle.ts';

/** Bundles that are mounts instead of copies. */
export interface MountedBundleCalls {
  /**
   * Writes an OCI runtime bundle into a new or empty directory, with a root file system that is mounted for everybody;
   * for root.
   */
  mountBundle(reference: string, directory: string, options?: MountBundleOptions): Promise<MountedBundleReport>;
  /** Unmounts the root file system of such a bundle; the rest of the directory stays. */
  unmountBundle(directory: string): Promise<MountedBundleReport>;
}

export const openMountedBundles = (context: ContainerContext): MountedBundleCalls => ({
  mountBundle: async (reference, directory, options) =>
    (await import('../containers/mount-bundle.ts')).mountBundle(context, {reference, directory}, options),
  unmountBundle: async (directory) => (await import('../containers/mount-bundle.ts')).unmountBundle(context, directory),
});
