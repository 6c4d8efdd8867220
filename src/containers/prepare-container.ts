import type {CallOptions} from '../events.ts';
import type {CleanupStack} from '../host/cleanup.ts';
import type {Syscalls} from '../host/syscalls.ts';
import type {ContainerContext} from './context.ts';
import type {ContainerDirectories} from './directories.ts';
import {prepareBundle} from './prepare-bundle.ts';
import {prepareImage} from './prepare-image.ts';
import type {RunRequest} from './run.ts';

export interface Preparation {
  readonly id: string;
  readonly request: RunRequest;
  readonly directories: ContainerDirectories;
  readonly syscalls: Syscalls;
  readonly cleanup: CleanupStack;
  /** Enters the private mount namespace; called when everything that asynchronous code can do is done. */
  readonly enter: () => void;
}

/** A bundle in the volatile directory, ready for the runtime. */
export interface PreparedContainer {
  readonly terminal: boolean;
  readonly stopSignal: NodeJS.Signals | number;
  /** Whether it is checked, as its directory says, whether it does its work. */
  readonly isChecked: boolean;
  /** Where the root file system of an image is mounted; null for a bundle's. */
  readonly rootfsPath: string | null;
  /** Aborted when the container cannot go on; null or absent: it always can. */
  readonly aborted?: AbortSignal | null;
}

/** Makes the bundle of a run, from an image or from another bundle. */
export const prepareContainer = (
  context: ContainerContext,
  preparation: Preparation,
  options: CallOptions,
): Promise<PreparedContainer> | PreparedContainer => {
  const {request} = preparation;
  return 'image' in request
    ? prepareImage(context, {...preparation, request}, options)
    : prepareBundle(context, {...preparation, request});
};
