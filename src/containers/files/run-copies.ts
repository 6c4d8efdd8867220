import {closeSync, constants, openSync} from 'node:fs';
import type {ContainerOptions} from '../../bundle/container-options.ts';
import {normalizeTarget} from '../../bundle/mount-request.ts';
import {isWinchError, WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {prepareMountPoints} from '../../host/mount-points.ts';
import type {Syscalls} from '../../host/syscalls.ts';
import {copyTree} from '../../images/copy-from.ts';
import {excerpt} from '../../oci/excerpt.ts';
import type {ContainerContext} from '../context.ts';
import {spoolPlace} from './copy-from-container.ts';
import {locateFile, unknownPath} from './located-file.ts';
import {findPutTarget, type OpenedRoot, putFiles, spoolSource} from './put-files.ts';

/** Files of this machine that go into a run before it starts. */
export interface CopyIn {
  /** An absolute path; `/.` at its end means what is in the directory. */
  readonly source: string;
  /**
   * A directory of the container. As with `docker cp`, a directory is copied below it where it is there, and becomes it
   * where it is not; for a file it is made.
   */
  readonly directory: string;
}

/** Files that come out of a run when it has ended. */
export interface CopyOut {
  /** In the container; `/.` at its end means what is in the directory. */
  readonly path: string;
  /** An absolute path of this machine, by the rules of `docker cp`. */
  readonly destination: string;
}

/** Files that are read, and still to be put into a run. */
export interface SpooledCopies extends AsyncDisposable {
  /** @param owner Whose they are on disk, when they belong to root in the run. */
  put(root: OpenedRoot, owner: {readonly uid: number; readonly gid: number}): Promise<void>;
}

const CONTAINER = 'of the run';

/**
 * Reads what is to go into a run, before anything of it is mounted.
 *
 * @throws {WinchError} `COPY_MOUNTED` | as `spoolSource`
 */
export async function spoolCopiesIn(
  context: ContainerContext,
  {copies, container}: {readonly copies: readonly CopyIn[]; readonly container: ContainerOptions},
  options: CallOptions,
): Promise<SpooledCopies> {
  for (const {directory} of copies) requireOwnPath(container, directory);
  await using held = new AsyncDisposableStack();
  const spooled: {directory: string; tree: Awaited<ReturnType<typeof spoolSource>>}[] = [];
  for (const {source, directory} of copies) {
    spooled.push({directory, tree: held.use(await spoolSource(context, source, options))});
  }
  const kept = held.move();
  return {
    put: async ({rootFd, syscalls}, owner) => {
      for (const {directory, tree} of spooled) {
        const becomesDirectory = tree.node.kind === 'directory' && isMissing({rootFd, syscalls}, directory);
        prepareMountPoints(syscalls, rootFd, [{path: directory, kind: 'directory'}]);
        const source = becomesDirectory ? {...tree, name: null} : tree;
        using target = findPutTarget({rootFd, syscalls}, {container: CONTAINER, path: directory}, source);
        await putFiles(target, {...options, ownerOf: () => owner});
      }
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function isMissing({rootFd, syscalls}: OpenedRoot, path: string): boolean {
  try {
    using file = locateFile(syscalls, {rootFd, container: CONTAINER, path}, {followsLast: true});
    return file.stats === null;
  } catch (error) {
    if (isWinchError(error, 'PATH_UNKNOWN')) return true;
    throw error;
  }
}

/** Files are copied to and from what the run writes itself. @throws {WinchError} `COPY_MOUNTED` */
export function requireOwnPath({mounts = []}: ContainerOptions, path: string): void {
  const place = normalizeTarget(path);
  const mount = mounts.map(({target}) => normalizeTarget(target)).find((at) => `${place}/`.startsWith(`${at}/`));
  if (mount === undefined) return;
  throw new WinchError('COPY_MOUNTED', `${excerpt(path)} lies in what is mounted at ${excerpt(mount)}`, {
    kind: 'invalid',
    hint: 'files are there without a copy: use what is mounted',
  });
}

export interface EndedRun {
  readonly rootfsPath: string;
  readonly syscalls: Syscalls;
  readonly copies: readonly CopyOut[];
  readonly exitCode: number;
}

/**
 * Takes files out of a run that has ended. What could not be copied is an error of a run that succeeded, and else a
 * warning: then the command's own failure is what counts.
 *
 * @throws {WinchError} `PATH_UNKNOWN` | `DESTINATION_INVALID` …
 */
export async function takeCopiesOut(
  context: ContainerContext,
  {rootfsPath, syscalls, copies, exitCode}: EndedRun,
  options: CallOptions,
): Promise<void> {
  const rootFd = openSync(rootfsPath, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    for (const copy of copies) {
      try {
        await takeOut(context, {copy, rootFd, syscalls}, options);
      } catch (error) {
        if (exitCode === 0 || !(error instanceof WinchError)) throw error;
        options.onEvent?.({type: 'warning:raised', code: error.code, message: error.message});
      }
    }
  } finally {
    closeSync(rootFd);
  }
}

async function takeOut(
  context: ContainerContext,
  {copy: {path, destination}, rootFd, syscalls}: OpenedRoot & {readonly copy: CopyOut},
  options: CallOptions,
): Promise<void> {
  using file = locateFile(syscalls, {rootFd, container: CONTAINER, path}, {followsLast: false});
  if (file.stats === null) throw unknownPath(`${excerpt(path)} in the container ${CONTAINER}`);
  await using tree = await spoolPlace(context, {path, file, owners: null}, options);
  await copyTree(tree, destination, options);
}
