import type {CallOptions} from '../events.ts';
import type {ExportedFiles} from '../images/archives/export-image.ts';
import type {CheckOptions, CheckReport} from '../images/check/check.ts';
import type {CopiedFiles, CopyFromOptions, FileCopy} from '../images/copy-from.ts';
import type {SourceOptions} from '../images/copy-source.ts';
import type {DiffOptions, ImageDiff} from '../images/diff.ts';
import type {DiskUsage} from '../images/disk-usage.ts';
import type {BundleOptions, BundleReport} from '../images/export-bundle.ts';
import type {HistoryEntry} from '../images/history.ts';
import type {ImageDetails, InspectOptions} from '../images/inspect.ts';
import type {ImageSummary, ListImagesOptions} from '../images/list.ts';
import type {FilesOptions, ImageFile} from '../images/list-files.ts';
import type {ImagePath} from '../images/open-files.ts';
import type {LazyServiceOptions, LazyServiceRequest} from '../images/partial/serve-lazily.ts';
import type {PlanContext, PlanOptions, PullPlan} from '../images/plan-pull.ts';
import type {PruneOptions, PruneReport} from '../images/prune.ts';
import type {PulledImage, PullOptions} from '../images/pull.ts';
import type {PullEachOptions, PullOutcome} from '../images/pull-each.ts';
import type {ImageFileContent, ImageFileContents, ReadFileOptions} from '../images/read-file.ts';
import type {RemovalReport, RemoveOptions} from '../images/remove.ts';
import type {RestoredTag, TagMove} from '../images/tag-history.ts';
import type {ImageTreeNode} from '../images/tree.ts';
import type {WhichAnswer} from '../images/which.ts';
import {type Archives, openArchives} from './archives.ts';
import {type Copies, openCopies} from './copies.ts';

export interface Images extends Archives, Copies {
  /** Of those who pull the same at once, one does it for all; an abort ends it once all have left. */
  pull(reference: string, options?: PullOptions): Promise<PulledImage>;
  /** Pulls several, and yields how each ended in the order given. */
  pullEach(references: readonly string[], options?: PullEachOptions): AsyncGenerator<PullOutcome>;
  /** Says what a pull would download and from where; nothing is stored. */
  plan(reference: string, options?: PlanOptions): Promise<PullPlan>;
  list(options?: ListImagesOptions): Promise<readonly ImageSummary[]>;
  inspect(reference: string, options?: InspectOptions): Promise<ImageDetails>;
  history(reference: string): Promise<readonly HistoryEntry[]>;
  /** Roots first; an image is a child of the image whose whole chain of layers it starts with. @param reference Only its line. */
  tree(reference?: string): Promise<readonly ImageTreeNode[]>;
  /** The files of an image, or of one of its layers. */
  files(reference: string, options?: FilesOptions): AsyncGenerator<ImageFile>;
  /** Opens a file of an image for reading, to be read once and closed; by its policy of one at a registry. */
  readFile(source: ImagePath, options?: ReadFileOptions): Promise<ImageFileContent>;
  /** Opens several; of each image at a registry what is needed to find them is fetched once. */
  readFiles(sources: readonly ImagePath[], options?: ReadFileOptions): Promise<ImageFileContents>;
  /**
   * Serves the layers of an image at a registry on an open `/dev/fuse`, until they are unmounted: what the process beside a
   * lazy run does.
   */
  serveLazily(request: LazyServiceRequest, options: LazyServiceOptions): Promise<void>;
  /** Opens a file or directory of an image as a tar, to be read once and closed. */
  readTar(source: ImagePath, options?: SourceOptions): Promise<ExportedFiles>;
  /** Copies a file or directory of an image to this machine. */
  copyFrom(copy: FileCopy, options?: CopyFromOptions): Promise<CopiedFiles>;
  /** What turns the first image into the second: files and settings. */
  diff(from: string, to: string, options?: DiffOptions): Promise<ImageDiff>;
  /** The images that have a path or a digest, and the layer it came with. */
  which(subject: string, options?: CallOptions): Promise<WhichAnswer>;
  tag(source: string, target: string): Promise<void>;
  /** Takes names away from images, which stay. */
  untag(references: readonly string[]): Promise<readonly string[]>;
  /** What a tag has named, newest first. */
  tagHistory(reference: string): Promise<readonly TagMove[]>;
  /** Sets a tag back to what it named before. */
  undoTag(reference: string): Promise<RestoredTag>;
  remove(references: readonly string[], options?: RemoveOptions): Promise<RemovalReport>;
  /** Removes what nothing needs; by its options also images that nobody uses. */
  prune(options?: PruneOptions): Promise<PruneReport>;
  /** Holds the store's files against its database, and makes damage good on demand. */
  check(options?: CheckOptions): Promise<CheckReport>;
  /** What takes the space of the store, measured on disk. */
  usage(): Promise<DiskUsage>;
  /** Writes an OCI runtime bundle (`config.json` and `rootfs/`) into a new or empty directory. */
  bundle(reference: string, directory: string, options?: BundleOptions): Promise<BundleReport>;
}

/** @param prepare Runs before each call. */
export function openImages({images: context, settings}: PlanContext, prepare: () => Promise<void>): Images {
  const load = async <T>(module: Promise<T>): Promise<T> => {
    await prepare();
    return module;
  };
  let pull: Images['pull'] | null = null;
  return {
    ...openArchives({images: context, settings}, load),
    ...openCopies({images: context, settings}, load),
    pull: async (...args) => {
      const {createSharedPull} = await load(import('../images/shared-pull.ts'));
      pull ??= createSharedPull(context);
      return pull(...args);
    },
    pullEach: async function* (...args) {
      yield* (await load(import('../images/pull-each.ts'))).pullEach(context, ...args);
    },
    plan: async (...args) =>
      (await load(import('../images/plan-pull.ts'))).planPull({images: context, settings}, ...args),
    list: async (options) => (await load(import('../images/list.ts'))).listStoredImages(context.store, options),
    inspect: async (...args) => (await load(import('../images/inspect.ts'))).inspectImage(context.store, ...args),
    history: async (reference) => (await load(import('../images/history.ts'))).readHistory(context.store, reference),
    tree: async (...args) => (await load(import('../images/tree.ts'))).readTree(context.store, ...args),
    files: async function* (...args) {
      yield* (await load(import('../images/list-files.ts'))).listFiles(context, ...args);
    },
    readFile: async (...args) => (await load(import('../images/read-file.ts'))).readImageFile(context, ...args),
    readFiles: async (...args) => (await load(import('../images/read-file.ts'))).readImageFiles(context, ...args),
    serveLazily: async (...args) => (await import('../images/partial/serve-lazily.ts')).serveLazily(context, ...args),
    readTar: async (...args) => (await load(import('../images/read-tar.ts'))).readImageTar(context, ...args),
    copyFrom: async (...args) => (await load(import('../images/copy-from.ts'))).copyFromImage(context, ...args),
    diff: async (from, to, options) =>
      (await load(import('../images/diff.ts'))).diffImages(context, {from, to}, options),
    which: async (...args) => (await load(import('../images/which.ts'))).findHolders(context, ...args),
    tag: async (...args) => (await load(import('../images/tag.ts'))).tagImage(context, ...args),
    untag: async (references) => (await load(import('../images/tag.ts'))).untagImages(context, references),
    tagHistory: async (reference) =>
      (await load(import('../images/tag-history.ts'))).readTagHistory(context.store, reference),
    undoTag: async (reference) => (await load(import('../images/tag-history.ts'))).undoTag(context, reference),
    remove: async (...args) => (await load(import('../images/remove.ts'))).removeImages(context, ...args),
    prune: async (...args) => (await load(import('../images/prune.ts'))).pruneImages(context, ...args),
    check: async (options) => (await load(import('../images/check/check.ts'))).checkStore(context, options),
    usage: async () => (await load(import('../images/disk-usage.ts'))).readDiskUsage(context.store),
    bundle: async (reference, directory, options = {}) =>
      (await load(import('../images/export-bundle.ts'))).exportBundle(context, {reference, directory}, options),
  };
}
