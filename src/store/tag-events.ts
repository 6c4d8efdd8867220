import type {Digest} from '../oci/digest.ts';
import type {Database} from './database.ts';

/** What a tag came to name, and when. */
export interface TagEvent {
  /** What the registry's tag named: an index or a manifest; null where the tag was removed. */
  readonly targetDigest: Digest | null;
  readonly manifestDigest: Digest | null;
  /** Milliseconds since 1970. */
  readonly happenedAt: number;
}

/** Events kept of one tag; a tag that moves every hour is known for four days. */
export const TAG_EVENT_LIMIT = 100;

/** Adds what just happened to a tag. Part of the transaction that changes it. */
export function recordTagEvent(database: Database, reference: string, event: TagEvent): void {
  const last = database.get('SELECT max(number) AS number FROM tag_event WHERE reference = ?', reference);
  const number = Number(last?.number ?? 0) + 1;
  database.run(
    'INSERT INTO tag_event (reference, number, target_digest, manifest_digest, happened_at) VALUES (?, ?, ?, ?, ?)',
    ...[reference, number, event.targetDigest, event.manifestDigest, event.happenedAt],
  );
  database.run('DELETE FROM tag_event WHERE reference = ? AND number <= ?', reference, number - TAG_EVENT_LIMIT);
}

/** What a tag has named, newest first; of a removed tag as well. */
export const listTagEvents = (database: Database, reference: string): readonly TagEvent[] =>
  database.all('SELECT * FROM tag_event WHERE reference = ? ORDER BY number DESC', reference).map((row) => ({
    targetDigest: row.target_digest === null ? null : (row.target_digest as Digest),
    manifestDigest: row.manifest_digest === null ? null : (row.manifest_digest as Digest),
    happenedAt: Number(row.happened_at),
  }));

/** Forgets what names that are gone named when, where no image of theirs is left either. Part of the caller's transaction. */
export const forgetLostTags = (database: Database): number =>
  database.run(
    `DELETE FROM tag_event WHERE reference NOT IN (SELECT reference FROM tag) AND reference NOT IN
       (SELECT reference FROM tag_event JOIN image USING (manifest_digest))`,
  );
