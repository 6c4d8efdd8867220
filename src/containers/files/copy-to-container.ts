import type {CallOptions} from '../../events.ts';
import type {ContainerContext} from '../context.ts';
import type {ContainerPath} from './located-file.ts';
import {openContainerRoot} from './open-root.ts';
import {findPutTarget, putFiles, spoolSource} from './put-files.ts';

export interface CopyToContainer extends ContainerPath {
  /** An absolute path of this machine, or a tar whose files go into the directory at `path`. */
  readonly source: string | AsyncIterable<Uint8Array>;
}

export interface CopyToContainerOptions extends CallOptions {
  /** Keep owners, where a path is copied; otherwise its files belong to root there. Those of a tar are kept. */
  readonly keepsOwners?: boolean | undefined;
  /** Copy what a symlink at the end of the source leads to, under the link's name, and not the link. */
  readonly followsLink?: boolean | undefined;
}

/**
 * Copies files of this machine, or of a tar, into a kept container, by the rules of `docker cp`: into a directory that
 * exists, over a file that exists, else under the new name. Directories that exist are merged, files are replaced, each
 * by a rename.
 *
 * Everything is read before anything is written. Links of the container are followed within it, and whatever it changes
 * meanwhile, nothing is written outside of it.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `SOURCE_MISSING` | `DESTINATION_INVALID` | `PATH_UNKNOWN` | `COPY_FAILED` …
 */
export async function copyToContainer(
  context: ContainerContext,
  {source, ...destination}: CopyToContainer,
  options: CopyToContainerOptions = {},
): Promise<void> {
  await using tree = await spoolSource(context, source, options);
  using root = await openContainerRoot(context, destination.container, {...options, hasMounts: true});
  using target = findPutTarget(root, destination, tree);
  const isRooted = typeof source === 'string' && options.keepsOwners !== true;
  const ownerOf = isRooted ? () => ({uid: 0, gid: 0}) : undefined;
  await putFiles(target, {...options, ownerOf});
}
