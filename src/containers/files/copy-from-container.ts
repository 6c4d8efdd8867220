import type {OwnerTranslation} from '../../bundle/id-mappings.ts';
import type {CallOptions} from '../../events.ts';
import {loadAttributeCalls} from '../../host/attribute-calls.ts';
import {type CopiedTree, type CopyFromOptions, copyTree} from '../../images/copy-from.ts';
import type {CopySource} from '../../images/copy-source.ts';
import {writeTreeTar} from '../../layers/tree-tar.ts';
import {excerpt} from '../../oci/excerpt.ts';
import type {ContainerContext} from '../context.ts';
import {recordContainerEvents} from '../record-events.ts';
import {type ContainerPath, type LocatedFile, meansContent, unknownPath} from './located-file.ts';
import {openContainerRoot} from './open-root.ts';
import {type ContainerPathStatus, describeFile, locateExisting} from './path-status.ts';
import {spoolTree} from './spooled-tree.ts';

export interface CopyOfContainer extends ContainerPath {
  /** An absolute path of this machine; its symlinks are followed. */
  readonly destination: string;
}

export type CopyFromContainerOptions = Pick<CopyFromOptions, 'keepsOwners' | 'followsLink' | 'signal' | 'onEvent'>;

export interface ReadContainerOptions extends CallOptions {
  /** Read what a symlink at the end of the path leads to, under the link's name, and not the link. */
  readonly followsLink?: boolean | undefined;
  /** Call the root `/`, as docker's API has it, and not `./`. */
  readonly namesRoot?: boolean | undefined;
}

/** A new tar of a container's files, to be read once and closed. */
export interface ContainerFiles {
  readonly content: AsyncIterable<Uint8Array>;
  close(): void;
}

/** As `ContainerFiles`, of one file or directory. */
export interface ContainerPathFiles extends ContainerFiles {
  readonly status: ContainerPathStatus;
}

/** In the tar that is between the container and its copy. */
const CONTENT = 'content';

/**
 * Copies a file or directory of a kept container to this machine, by the rules of `docker cp`, as `copyFromImage` does.
 * What the container changes meanwhile is copied before or after, and never something outside of it.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `PATH_UNKNOWN` | `PATH_LOOP` | `DESTINATION_INVALID` | `COPY_FAILED` …
 */
export async function copyFromContainer(
  context: ContainerContext,
  {destination, ...source}: CopyOfContainer,
  options: CopyFromContainerOptions = {},
): Promise<CopiedTree> {
  await using tree = await spoolSource(context, source, options);
  return await copyTree(tree, destination, options);
}

async function spoolSource(context: ContainerContext, source: ContainerPath, options: CopyFromContainerOptions) {
  using root = await openContainerRoot(context, source.container, {...options, hasMounts: true});
  using file = locateExisting(root, source, {followsLast: options.followsLink ?? false});
  recordContainerEvents(context, root.subject, [{action: 'archive-path'}]);
  return await spoolPlace(context, {path: source.path, file, owners: root.owners}, options);
}

interface OpenedPlace {
  readonly path: string;
  readonly file: LocatedFile;
  readonly owners: OwnerTranslation | null;
}

/** Reads a file or directory of a container whole. @throws {WinchError} `PATH_UNKNOWN`: it went meanwhile */
export async function spoolPlace(
  context: ContainerContext,
  {path, file, owners}: OpenedPlace,
  {signal}: CallOptions,
): Promise<CopySource & AsyncDisposable> {
  const tar = writeTreeTar(loadAttributeCalls(), file, {name: CONTENT, ownerOf: owners?.toContainer, signal});
  const {root, [Symbol.asyncDispose]: dispose} = await spoolTree(context, tar, {signal});
  const node = root.entries?.get(CONTENT);
  if (node) return {node, name: nameOfSource(path, file), [Symbol.asyncDispose]: dispose};
  await dispose();
  throw unknownPath(`${excerpt(path)} any more`);
}

/**
 * Opens a file or directory of a kept container as a tar, as `docker cp CONTAINER:/path -` has it: below the last name of
 * the path, or below `.` for a path that ends in `/.`; the root has no name.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `PATH_UNKNOWN` | `PATH_LOOP` …
 */
export async function readContainerTar(
  context: ContainerContext,
  source: ContainerPath,
  options: ReadContainerOptions = {},
): Promise<ContainerPathFiles> {
  using held = new DisposableStack();
  const root = held.use(await openContainerRoot(context, source.container, {...options, hasMounts: true}));
  const file = held.use(locateExisting(root, source, {followsLast: options.followsLink ?? false}));
  const status = describeFile(root, {path: source.path, file});
  const name = nameInTar(source.path, file, options);
  const ownerOf = root.owners?.toContainer;
  const content = writeTreeTar(loadAttributeCalls(), file, {name, ownerOf, signal: options.signal});
  recordContainerEvents(context, root.subject, [{action: 'archive-path'}]);
  const kept = held.move();
  return {status, content, close: () => kept.dispose()};
}

function nameInTar(path: string, file: LocatedFile, {namesRoot = false}: ReadContainerOptions): string {
  if (file.name === null) return namesRoot ? '/' : '';
  return nameOfSource(path, file) ?? '.';
}

/**
 * What is at a path of a kept container; a symlink at its end is not followed, but with a slash behind it.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `PATH_UNKNOWN` | `PATH_LOOP` …
 */
export async function statContainerPath(
  context: ContainerContext,
  source: ContainerPath,
  options: CallOptions = {},
): Promise<ContainerPathStatus> {
  using root = await openContainerRoot(context, source.container, {...options, hasMounts: true});
  using file = locateExisting(root, source, {followsLast: false});
  return describeFile(root, {path: source.path, file});
}

/** As bytes; null: only what is in the directory is meant. */
function nameOfSource(path: string, file: LocatedFile): string | null {
  if (file.name === null || meansContent(path)) return null;
  const given = path.split('/').findLast((name) => name !== '');
  const isName = given !== undefined && given !== '.' && given !== '..';
  return (isName ? Buffer.from(given) : file.name).toString('latin1');
}
