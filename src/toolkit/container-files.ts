import type {ContainerContext} from '../containers/context.ts';
import type {CommitOptions, CommittedImage} from '../containers/files/commit-container.ts';
import type {
  ContainerFiles,
  ContainerPathFiles,
  CopyFromContainerOptions,
  CopyOfContainer,
  ReadContainerOptions,
} from '../containers/files/copy-from-container.ts';
import type {CopyToContainer, CopyToContainerOptions} from '../containers/files/copy-to-container.ts';
import {containerOf, type FileCall, type TarCall} from '../containers/files/file-call.ts';
import type {ContainerChange} from '../containers/files/list-changes.ts';
import type {ContainerPath} from '../containers/files/located-file.ts';
import type {ContainerPathStatus} from '../containers/files/path-status.ts';
import type {CallOptions} from '../events.ts';
import {isRoot} from '../host/account.ts';
import type {CopiedTree} from '../images/copy-from.ts';
import {entryOf} from './entries.ts';
import type {ToolkitOptions} from './options.ts';

/** What can be done with the files of a container: of a kept one, running or not, and of a `run` while it goes on. */
export interface ContainerFileCalls {
  /** Copies a file or directory of a container to this machine, by the rules of `docker cp`. */
  copyFrom(copy: CopyOfContainer, options?: CopyFromContainerOptions): Promise<CopiedTree>;
  /** Opens a file or directory of a container as a tar, to be closed afterwards. */
  readTar(source: ContainerPath, options?: ReadContainerOptions): Promise<ContainerPathFiles>;
  /** What is at a path of a container. */
  statPath(source: ContainerPath, options?: CallOptions): Promise<ContainerPathStatus>;
  /** Copies files of this machine, or of a tar, into a container, by the rules of `docker cp`. */
  copyTo(copy: CopyToContainer, options?: CopyToContainerOptions): Promise<void>;
  /** What a container has added, changed and deleted, by path. */
  diff(container: string, options?: CallOptions): Promise<readonly ContainerChange[]>;
  /** Opens all files of a container but those of its volumes as a tar, to be closed afterwards. */
  export(container: string, options?: CallOptions): Promise<ContainerFiles>;
  /** Makes an image of what a container has written. */
  commit(container: string, options?: CommitOptions): Promise<CommittedImage>;
}

/** Somebody else than root of a user namespace has a process do it that is. */
export const openContainerFiles = (context: ContainerContext, options: ToolkitOptions): ContainerFileCalls =>
  isRoot() ? openAsRoot(context) : openAsUser(context, options);

const openAsRoot = (context: ContainerContext): ContainerFileCalls => ({
  copyFrom: async (...args) =>
    (await import('../containers/files/copy-from-container.ts')).copyFromContainer(context, ...args),
  readTar: async (...args) =>
    (await import('../containers/files/copy-from-container.ts')).readContainerTar(context, ...args),
  statPath: async (...args) =>
    (await import('../containers/files/copy-from-container.ts')).statContainerPath(context, ...args),
  copyTo: async (...args) =>
    (await import('../containers/files/copy-to-container.ts')).copyToContainer(context, ...args),
  diff: async (...args) => (await import('../containers/files/list-changes.ts')).listChanges(context, ...args),
  export: async (...args) =>
    (await import('../containers/files/export-container.ts')).exportContainer(context, ...args),
  commit: async (...args) =>
    (await import('../containers/files/commit-container.ts')).commitContainer(context, ...args),
});

function openAsUser(context: ContainerContext, toolkit: ToolkitOptions): ContainerFileCalls {
  const ask = async <Result>(call: FileCall, {signal, onEvent, input}: AskOptions): Promise<Result> => {
    const {callAsRoot} = await import('../containers/call-as-root.ts');
    const joins = await processOf(context, call);
    return await callAsRoot<Result>(entryOf('run-process'), {toolkit, call}, {signal, onEvent, input, joins});
  };
  const open = async <Opened>(call: TarCall, {signal, onEvent}: CallOptions) => {
    const asRoot = await import('../containers/call-as-root.ts');
    const joins = await processOf(context, call);
    return await asRoot.openAsRoot<Opened>(entryOf('run-process'), {toolkit, call}, {signal, onEvent, joins});
  };
  return {
    copyFrom: (copy, {keepsOwners, followsLink, ...call} = {}) =>
      ask({name: 'copyFrom', copy, options: {keepsOwners, followsLink}}, call),
    readTar: async (source, {signal, onEvent, ...options} = {}) => {
      const call = {name: 'readTar', source, options} as const;
      const tar = await open<ContainerPathStatus>(call, {signal, onEvent});
      return {status: tar.opened, content: tar.content, close: tar.close};
    },
    statPath: (source, call = {}) => ask({name: 'statPath', source}, call),
    copyTo: async ({source, ...place}, {signal, onEvent, ...options} = {}) => {
      const isPath = typeof source === 'string';
      const copy = {...place, source: isPath ? source : null};
      await ask({name: 'copyTo', copy, options}, {signal, onEvent, input: isPath ? undefined : source});
    },
    diff: (container, call = {}) => ask({name: 'diff', container}, call),
    export: (container, call = {}) => open<null>({name: 'export', container}, call),
    commit: (container, {signal, onEvent, ...options} = {}) =>
      ask({name: 'commit', container, options}, {signal, onEvent}),
  };
}

interface AskOptions extends CallOptions {
  readonly input?: AsyncIterable<Uint8Array> | undefined;
}

/** Of a container that runs only root of its own user namespace may enter the files. */
async function processOf(context: ContainerContext, call: FileCall): Promise<number | null> {
  const {inspectContainer} = await import('../containers/kept/inspect-container.ts');
  return (await inspectContainer(context, containerOf(call))).pid;
}
