import type {ExportedFiles, ExportOptions} from '../images/archives/export-image.ts';
import type {ImportedImage, ImportOptions} from '../images/archives/import-rootfs.ts';
import type {LoadedImage, LoadOptions} from '../images/archives/load.ts';
import type {ArchiveInput} from '../images/archives/open-input.ts';
import type {ImageArchive, SaveOptions} from '../images/archives/save.ts';
import type {RestoreCacheOptions, RestoredCache} from '../images/cache/restore-cache.ts';
import type {CacheToSave, SaveCacheOptions, SavedCache} from '../images/cache/save-cache.ts';
import type {CopiedImage} from '../images/copy/copy-image.ts';
import type {PlanContext} from '../images/plan-pull.ts';

/** Images as files, and files as images. */
export interface Archives {
  /** Stores every image of an archive or a layout, under the names that it has there. */
  load(input: ArchiveInput, options?: LoadOptions): Promise<readonly LoadedImage[]>;
  /** Makes an image of one layer from the tar of a root filesystem. */
  import(input: ArchiveInput, options?: ImportOptions): Promise<ImportedImage>;
  /** Opens the files of an image, all layers merged, as one tar, to be read once and closed. */
  export(reference: string, options?: ExportOptions): Promise<ExportedFiles>;
  /** Opens stored images as one archive, to be read once and closed. */
  save(references: readonly string[], options?: SaveOptions): Promise<ImageArchive>;
  /** Writes stored images into a directory as an OCI layout, beside what it holds. */
  saveDirectory(
    request: {readonly names: readonly string[]; readonly directory: string},
    options?: Omit<SaveOptions, 'format'>,
  ): Promise<readonly CopiedImage[]>;
  /** Writes stored images into a directory for a later CI job, as far as they are not there yet. */
  saveCache(request: CacheToSave, options?: SaveCacheOptions): Promise<SavedCache>;
  /** Stores the images of such a directory, ready to run. */
  restoreCache(directory: string, options?: RestoreCacheOptions): Promise<RestoredCache>;
}

/** @param load Prepares each call and loads the module of it. */
export function openArchives(
  {images: context, settings}: PlanContext,
  load: <T>(module: Promise<T>) => Promise<T>,
): Archives {
  return {
    load: async (...args) => (await load(import('../images/archives/load.ts'))).loadImages(context, ...args),
    import: async (...args) =>
      (await load(import('../images/archives/import-rootfs.ts'))).importRootfs(context, ...args),
    export: async (...args) => (await load(import('../images/archives/export-image.ts'))).exportImage(context, ...args),
    save: async (...args) => (await load(import('../images/archives/save.ts'))).saveImages(context, ...args),
    saveDirectory: async (...args) =>
      (await load(import('../images/archives/save-directory.ts'))).saveDirectory({images: context, settings}, ...args),
    saveCache: async (...args) => (await load(import('../images/cache/save-cache.ts'))).saveCache(context, ...args),
    restoreCache: async (...args) =>
      (await load(import('../images/cache/restore-cache.ts'))).restoreCache(context, ...args),
  };
}
