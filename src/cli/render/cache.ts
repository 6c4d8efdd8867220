import type {RestoredCache, RestoreOutcome} from '../../images/cache/restore-cache.ts';
import type {SavedCache} from '../../images/cache/save-cache.ts';
import {humanBytes} from './human.ts';
import {safeJson} from './safe-text.ts';

/** What a save has done, in one line. */
export function renderSavedCache(saved: SavedCache, format: 'json' | undefined): string {
  if (format === 'json') return safeJson(saved, 2);
  const {images, writtenLayers, presentLayers, writtenBytes, removedFiles} = saved;
  const layers = `layers: ${writtenLayers} written, ${presentLayers} present`;
  const removed = removedFiles > 0 ? `, ${removedFiles} files removed` : '';
  return `Saved images: ${images.length} (${layers}, ${humanBytes(writtenBytes)} written${removed})`;
}

const OTHERS: readonly RestoreOutcome[] = Object.freeze(['present', 'kept', 'damaged']);

/** What a restore has done, in one line. */
export function renderRestoredCache(restored: RestoredCache, format: 'json' | undefined): string {
  if (format === 'json') return safeJson(restored, 2);
  const {images, restoredLayers, presentLayers, readBytes} = restored;
  const count = (outcome: RestoreOutcome) => images.filter((image) => image.outcome === outcome).length;
  const others = OTHERS.flatMap((outcome) => (count(outcome) > 0 ? [`${count(outcome)} ${outcome}`] : []));
  const layers = `layers: ${restoredLayers} restored, ${presentLayers} present, ${humanBytes(readBytes)} read`;
  return `Restored images: ${[String(count('restored')), ...others].join(', ')} (${layers})`;
}
