import type {ContainerContext} from '../containers/context.ts';
import type {ContainerFiles} from '../containers/files/copy-from-container.ts';
import type {VolumeRequest} from '../containers/volumes/create-volume.ts';
import type {VolumeDetails} from '../containers/volumes/list-volumes.ts';
import type {PrunedVolumes, PruneVolumesOptions, RemoveVolumeOptions} from '../containers/volumes/remove-volume.ts';
import type {Volume} from '../containers/volumes/volume.ts';
import type {CallOptions} from '../events.ts';
import type {ArchiveInput} from '../images/archives/open-input.ts';

/** Files that outlive containers, under a name. */
export interface Volumes {
  /** Makes an empty volume; one of this name that is there already stays as it is. */
  create(request?: VolumeRequest, options?: CallOptions): Promise<Volume>;
  /** All volumes, by name. */
  list(options?: CallOptions): Promise<readonly VolumeDetails[]>;
  inspect(name: string): Promise<VolumeDetails>;
  /** Removes a volume that no container mounts, with its files. */
  remove(name: string, options?: RemoveVolumeOptions): Promise<void>;
  /** Opens the files of a volume as a tar, to be closed afterwards. */
  export(name: string, options?: CallOptions): Promise<ContainerFiles>;
  /** Puts the files of a tar, plain or packed, into a volume. */
  import(name: string, tar: ArchiveInput, options?: CallOptions): Promise<void>;
  /** Removes the volumes that no container mounts: those that nobody named, or all. */
  prune(options?: PruneVolumesOptions): Promise<PrunedVolumes>;
}

export const openVolumes = (context: ContainerContext): Volumes => ({
  create: async (...args) => (await import('../containers/volumes/create-volume.ts')).createVolume(context, ...args),
  list: async (...args) => (await import('../containers/volumes/list-volumes.ts')).listVolumeDetails(context, ...args),
  inspect: async (name) => (await import('../containers/volumes/list-volumes.ts')).inspectVolume(context, name),
  remove: async (...args) => (await import('../containers/volumes/remove-volume.ts')).removeVolume(context, ...args),
  export: async (...args) => (await import('../containers/volumes/volume-files.ts')).exportVolume(context, ...args),
  import: async (...args) => (await import('../containers/volumes/volume-files.ts')).importVolume(context, ...args),
  prune: async (...args) => (await import('../containers/volumes/remove-volume.ts')).pruneVolumes(context, ...args),
});
