import type {OwnerTranslation} from '../../bundle/id-mappings.ts';
import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import type {OwnerMap} from '../../layers/plan-rootfs.ts';
import {excerpt} from '../../oci/excerpt.ts';
import type {ContainerContext} from '../context.ts';
import {findByText, unknownContainer} from '../kept/find-container.ts';
import {findRun} from '../kept/one-shot-runs.ts';
import {listRecords} from '../kept/record.ts';
import {recordContainerEvents} from '../record-events.ts';
import type {ContainerPath} from './located-file.ts';
import {openContainerRoot} from './open-root.ts';
import {locateExisting} from './path-status.ts';
import {findPutTarget, type OpenedRoot, putFiles, spoolSource} from './put-files.ts';
import {splitByPlace} from './split-by-place.ts';

export interface CopyToContainer extends ContainerPath {
  /** An absolute path of this machine, or a tar whose files go into the directory at `path`. */
  readonly source: string | AsyncIterable<Uint8Array>;
}

export interface CopyToContainerOptions extends CallOptions {
  /** Keep owners, where a path is copied; otherwise its files belong to root there. Those of a tar are kept. */
  readonly keepsOwners?: boolean | undefined;
  /** Copy what a symlink at the end of the source leads to, under the link's name, and not the link. */
  readonly followsLink?: boolean | undefined;
  /** Refuse a path that is no directory yet, instead of making it. */
  readonly needsDirectory?: boolean | undefined;
  /** Put files in the place of directories, and directories in the place of files, which is refused otherwise. */
  readonly replacesOtherKinds?: boolean | undefined;
}

const ROOT = Object.freeze({uid: 0, gid: 0});

/**
 * Copies files of this machine, or of a tar, into a kept container, by the rules of `docker cp`: into a directory that
 * exists, over a file that exists, else under the new name. Directories that exist are merged, files are replaced, each
 * by a rename.
 *
 * Everything is read before anything is written. Links of the container are followed within it, and whatever it changes
 * meanwhile, nothing is written outside of it.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `SOURCE_MISSING` | `DESTINATION_INVALID` |
 * `DESTINATION_READ_ONLY` | `PATH_UNKNOWN` | `COPY_FAILED` …
 */
export async function copyToContainer(
  context: ContainerContext,
  {source, ...destination}: CopyToContainer,
  options: CopyToContainerOptions = {},
): Promise<void> {
  // A large tar is not read for nobody.
  if (!findByText(listRecords(context), destination.container) && !(await findRun(context, destination.container)))
    throw unknownContainer(destination.container);
  await using tree = await spoolSource(context, source, options);
  using root = await openContainerRoot(context, destination.container, {...options, hasMounts: true});
  if (options.needsDirectory) requireDirectory(root, destination);
  using target = splitByPlace(root, findPutTarget(root, destination, tree));
  const isRooted = typeof source === 'string' && options.keepsOwners !== true;
  const ownerOf = mapOwner(isRooted, root.owners);
  const {signal, replacesOtherKinds} = options;
  for (const place of target.places) await putFiles(place, {signal, replacesOtherKinds, ownerOf});
  recordContainerEvents(context, root.subject, [{action: 'extract-to-dir'}]);
}

/** Undefined: files keep their owners. */
function mapOwner(isRooted: boolean, owners: OwnerTranslation | null): OwnerMap | undefined {
  const root = owners?.toHost(ROOT) ?? ROOT;
  return isRooted ? () => root : owners?.toHost;
}

/** @throws {WinchError} `PATH_UNKNOWN` | `PATH_LOOP` | `DESTINATION_INVALID` */
function requireDirectory(root: OpenedRoot, destination: ContainerPath): void {
  using file = locateExisting(root, destination, {followsLast: true});
  if (file.stats.isDirectory()) return;
  const where = `${excerpt(destination.path)} in container ${destination.container}`;
  throw new WinchError('DESTINATION_INVALID', `${where} is no directory`, {
    kind: 'invalid',
    hint: 'name a directory that exists',
  });
}
