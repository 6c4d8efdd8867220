import type {ContainerContext} from '../containers/context.ts';
import type {CommitOptions, CommittedImage} from '../containers/files/commit-container.ts';
import type {
  ContainerFiles,
  CopyFromContainerOptions,
  CopyOfContainer,
  ReadContainerOptions,
} from '../containers/files/copy-from-container.ts';
import type {CopyToContainer, CopyToContainerOptions} from '../containers/files/copy-to-container.ts';
import type {ContainerChange} from '../containers/files/list-changes.ts';
import type {ContainerPath} from '../containers/files/located-file.ts';
import type {CallOptions} from '../events.ts';
import type {CopiedTree} from '../images/copy-from.ts';

/** What can be done with the files of a container: of a kept one, running or not, and of a `run` while it goes on. */
export interface ContainerFileCalls {
  /** Copies a file or directory of a container to this machine, by the rules of `docker cp`. */
  copyFrom(copy: CopyOfContainer, options?: CopyFromContainerOptions): Promise<CopiedTree>;
  /** Opens a file or directory of a container as a tar, to be closed afterwards. */
  readTar(source: ContainerPath, options?: ReadContainerOptions): Promise<ContainerFiles>;
  /** Copies files of this machine, or of a tar, into a container, by the rules of `docker cp`. */
  copyTo(copy: CopyToContainer, options?: CopyToContainerOptions): Promise<void>;
  /** What a container has added, changed and deleted, by path. */
  diff(container: string, options?: CallOptions): Promise<readonly ContainerChange[]>;
  /** Opens all files of a container but those of its volumes as a tar, to be closed afterwards. */
  export(container: string, options?: CallOptions): Promise<ContainerFiles>;
  /** Makes an image of what a container has written. */
  commit(container: string, options?: CommitOptions): Promise<CommittedImage>;
}

export const openContainerFiles = (context: ContainerContext): ContainerFileCalls => ({
  copyFrom: async (...args) =>
    (await import('../containers/files/copy-from-container.ts')).copyFromContainer(context, ...args),
  readTar: async (...args) =>
    (await import('../containers/files/copy-from-container.ts')).readContainerTar(context, ...args),
  copyTo: async (...args) =>
    (await import('../containers/files/copy-to-container.ts')).copyToContainer(context, ...args),
  diff: async (...args) => (await import('../containers/files/list-changes.ts')).listChanges(context, ...args),
  export: async (...args) =>
    (await import('../containers/files/export-container.ts')).exportContainer(context, ...args),
  commit: async (...args) =>
    (await import('../containers/files/commit-container.ts')).commitContainer(context, ...args),
});
