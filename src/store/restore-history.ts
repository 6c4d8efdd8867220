import {existsSync} from 'node:fs';
import type {Database} from './database.ts';
import {dropBlobs} from './dropped-blobs.ts';
import type {StorePaths} from './paths.ts';
import type {Salvage, SalvagedEvent} from './salvage.ts';
import {recordTagEvent} from './tag-events.ts';
import {findTag} from './tags.ts';

/** Puts the salvaged histories of tags in the place of those that a rebuild has made; each ends with what its tag names. */
export function restoreHistory(database: Database, {events}: Pick<Salvage, 'events'>, restoredAt: number): void {
  for (const [reference, found] of Map.groupBy(events, (event) => event.reference)) {
    database.run('DELETE FROM tag_event WHERE reference = ?', reference);
    const byNumber = new Map(found.map((event) => [event.number, event]));
    for (const event of byNumber.values()) recordTagEvent(database, reference, event);
    endHistory(database, found.at(-1), restoredAt);
  }
}

function endHistory(database: Database, last: SalvagedEvent | undefined, happenedAt: number): void {
  if (!last) return;
  const tag = findTag(database, last.reference);
  const named = {targetDigest: tag?.targetDigest ?? null, manifestDigest: tag?.manifestDigest ?? null};
  if (last.targetDigest === named.targetDigest && last.manifestDigest === named.manifestDigest) return;
  recordTagEvent(database, last.reference, {...named, happenedAt});
}

/** Blobs that were dropped on purpose need not be there. */
export function restoreDropped(database: Database, paths: StorePaths, {dropped}: Pick<Salvage, 'dropped'>): void {
  for (const {digest, bytes, droppedAt} of dropped) {
    if (!existsSync(paths.blob(digest))) dropBlobs(database, [{digest, size: bytes}], droppedAt);
  }
}
