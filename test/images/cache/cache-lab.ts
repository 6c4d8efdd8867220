import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {WinchEvent} from '../../../src/events.ts';
import {writeImageLayout} from '../../helpers/image-layout.ts';
import {openTestStore, type TestStore} from '../../helpers/open-store.ts';
import {makeTemporaryDirectory} from '../../helpers/temporary-directory.ts';

/** A cache with the images that one store saved there, and an empty store beside it. */
export interface CacheLab extends AsyncDisposable {
  readonly from: TestStore;
  readonly to: TestStore;
  readonly directory: string;
  /** What the cache holds, by paths. */
  list(): readonly string[];
  /** The file of a layer, or of a document. */
  path(area: 'layers' | 'blobs', digest: string): string;
  /** Changes the one entry of the list of images. */
  rewriteEntry(change: (entry: Record<string, unknown>) => Record<string, unknown>): void;
  /** Restores, and tells what was warned of. */
  restore(options?: {
    readonly force?: boolean;
  }): Promise<{readonly result: unknown; readonly warnings: readonly string[]}>;
}

export async function openCacheLab(images: Parameters<typeof writeImageLayout>[1]): Promise<CacheLab> {
  const temporary = makeTemporaryDirectory();
  const [from, to] = [await openTestStore(), await openTestStore()];
  const [directory, layout] = [join(temporary.path, 'cache'), join(temporary.path, 'layout')];
  writeImageLayout(layout, images);
  await from.toolkit.images.load(layout);
  await from.toolkit.images.saveCache({directory, names: []});
  const indexPath = join(directory, 'index.json');
  return {
    from,
    to,
    directory,
    list: () => readdirSync(directory, {recursive: true}).map(String).toSorted(),
    path: (area, digest) => join(directory, area, digest.replace(':', '/') + (area === 'layers' ? '.tar.zst' : '')),
    rewriteEntry: (change) => {
      const index = JSON.parse(readFileSync(indexPath, 'utf8'));
      writeFileSync(indexPath, JSON.stringify({...index, manifests: index.manifests.map(change)}));
    },
    restore: async (options) => {
      const warnings: string[] = [];
      const onEvent = (event: WinchEvent) => void (event.type === 'warning:raised' && warnings.push(event.code));
      return {result: await to.toolkit.images.restoreCache(directory, {...options, onEvent}), warnings};
    },
    [Symbol.asyncDispose]: async () => {
      await from[Symbol.asyncDispose]();
      await to[Symbol.asyncDispose]();
      temporary[Symbol.dispose]();
    },
  };
}
