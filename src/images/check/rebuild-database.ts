import {basename} from 'node:path';
import type {CallOptions} from '../../events.ts';
import {MANIFEST_LIMIT_BYTES} from '../../oci/manifest.ts';
import {artifactTypeOf} from '../../oci/media-types.ts';
import {findFiles, statFile} from '../../store/found-files.ts';
import {finishRebuild, hasRebuiltDatabase, openRebuiltStore} from '../../store/rebuilt-store.ts';
import {restoreDropped, restoreHistory} from '../../store/restore-history.ts';
import {type Salvage, salvageDatabase} from '../../store/salvage.ts';
import type {Store} from '../../store/store.ts';
import type {ImageContext} from '../context.ts';
import {adoptLayers} from './adopt-layers.ts';
import {chooseTags, type LostImage, listUnnamed, readLayoutEntries} from './choose-tags.ts';
import {readDocument} from './collect-members.ts';
import {refuseOtherConnections} from './lock-repair.ts';
import {recordAgain} from './record-again.ts';

/** Where images go whose names nobody knows any more. */
const NAMELESS = 'localhost/recovered';

/**
 * Makes a new database beside a damaged or missing one and puts it in its place once everything is in it: the tags and
 * their histories as far as the old one can be read, those that index.json lists, and what the blobs and layer files say
 * of themselves. Ended at any moment it leaves the old one where it was, or the new one.
 *
 * Images are named `localhost/recovered@digest` where no tag at all is known any more.
 *
 * @returns what was done, one line for people
 * @throws {WinchError} `STORE_LOCKED`: another process has the damaged database open
 */
export async function rebuildDatabase(context: ImageContext, options: CallOptions): Promise<string> {
  const {store} = context;
  store.close();
  refuseOtherConnections(store);
  if (hasRebuiltDatabase(store.paths)) {
    const kept = await finishRebuild(store.paths);
    return `the new database is in its place${oldOne(kept)}`;
  }
  const salvage = salvageDatabase(store.paths.database);
  const images = chooseImages(store, salvage);
  const {lost, kept} = await rebuild(context, {salvage, images}, options);
  // By which other tools are told as well.
  await store.write(() => {});
  return describe(images, {salvage, lost, kept});
}

function chooseImages(store: Store, salvage: Salvage): readonly LostImage[] {
  const entries = readLayoutEntries(store.paths);
  const images = [...chooseTags(salvage, entries), ...listUnnamed(entries ?? [])];
  return images.length > 0 || salvage.isWhole ? images : findImages(store);
}

function findImages(store: Store): readonly LostImage[] {
  return findFiles(store.paths).blobs.flatMap((digest) => {
    if ((statFile(store.paths.blob(digest))?.size ?? 0) > MANIFEST_LIMIT_BYTES) return [];
    const document = readDocument(store, digest);
    if (document?.kind !== 'manifest' || artifactTypeOf(document) !== null) return [];
    const reference = `${NAMELESS}@${digest}`;
    return [{reference, targetDigest: digest, manifestDigest: digest, updatedAt: null}];
  });
}

interface Work {
  readonly salvage: Salvage;
  readonly images: readonly LostImage[];
}

async function rebuild(outer: ImageContext, {salvage, images}: Work, options: CallOptions) {
  const rebuilt = await openRebuiltStore(outer.store);
  const context = {...outer, store: rebuilt.store};
  try {
    await rebuilt.store.write((database) => restoreDropped(database, outer.store.paths, salvage));
    await adoptLayers(context, salvage.layers, options);
    const lost: LostImage[] = [];
    for (const image of images) if (!(await recordAgain(context, image, options))) lost.push(image);
    await rebuilt.store.write((database) => restoreHistory(database, salvage, outer.now()));
    refuseOtherConnections(outer.store);
    return {lost, kept: await rebuilt.replace()};
  } finally {
    rebuilt.store.close();
  }
}

interface Outcome {
  readonly salvage: Salvage;
  readonly lost: readonly LostImage[];
  readonly kept: string | null;
}

function describe(images: readonly LostImage[], {salvage, lost, kept}: Outcome): string {
  const isNamed = images.every(({reference}) => !reference?.startsWith(`${NAMELESS}@`));
  const what = isNamed ? 'tags' : 'images, whose tags are not known';
  const recorded = images.filter((image) => image.reference !== null && !lost.includes(image)).length;
  const names = lost.map(({reference, targetDigest}) => reference ?? targetDigest);
  return [
    `rebuilt from the blobs with ${recorded} ${what}${oldOne(kept)}`,
    ...(salvage.isWhole ? [] : [`${salvage.events.length} events of the tags' histories could be read`]),
    ...(lost.length > 0 ? [`to be pulled again: ${names.join(', ')}`] : []),
  ].join('; ');
}

const oldOne = (kept: string | null): string => (kept === null ? '' : `; the old one is ${basename(kept)}`);
