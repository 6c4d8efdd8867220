import {readFileSync, statSync} from 'node:fs';
import {isSystemError, isWinchError} from '../errors.ts';
import {hashNatively} from '../host/native-hash.ts';
import {type Digest, digestOf} from '../oci/digest.ts';
import {NAME_ANNOTATION} from '../oci/image-layout.ts';
import {MANIFEST_LIMIT_BYTES, parseManifestDocument} from '../oci/manifest.ts';
import {isIndexType, OCI_INDEX} from '../oci/media-types.ts';
import {splitPlatform} from '../oci/platform.ts';
import type {Database, Row} from './database.ts';
import type {StorePaths} from './paths.ts';

/** What the database does not know of an index. */
type Document = Readonly<{mediaType: string; size: number}>;

/** Images that no tag leads to. */
const UNTAGGED = `FROM image
  WHERE NOT EXISTS (SELECT 1 FROM tag WHERE tag.manifest_digest = image.manifest_digest) AND NOT EXISTS (
    SELECT 1 FROM index_part JOIN tag ON target_digest = index_digest
    WHERE digest = image.manifest_digest AND kind = 'image')`;
const ENTRIES = `
  SELECT reference, target_digest, manifest_digest, manifest_type, manifest_bytes, platform
  FROM tag JOIN image USING (manifest_digest)
  UNION ALL
  SELECT NULL, manifest_digest, manifest_digest, manifest_type, manifest_bytes, platform ${UNTAGGED}
  ORDER BY reference NULLS LAST, target_digest`;
/** What the entries follow from, in a tenth of their time. */
const STATE = `
  SELECT (SELECT group_concat(reference || ' ' || target_digest || ' ' || manifest_digest, char(10))
      FROM (SELECT * FROM tag ORDER BY reference)) AS tagged,
    (SELECT group_concat(manifest_digest, char(10)) FROM (SELECT manifest_digest ${UNTAGGED} ORDER BY 1)) AS untagged`;
/** Changes when a state is written in another way. */
const FORMAT = '1';
const STATE_ANNOTATION = 'winch.store.state';
/** As this file writes an entry; of a torn file what is left of it. */
const WRITTEN_ENTRY = /\{"mediaType":"([^"]+)","digest":"([^"]+)","size":(\d+)/g;

/** What the names and images of a store follow from; null: there is no image. */
export function readLayoutState(database: Database): Digest | null {
  const {tagged, untagged} = database.get(STATE) ?? {};
  return tagged || untagged ? stateOf(Buffer.from(`${FORMAT}\n${tagged ?? ''}\n\n${untagged ?? ''}`)) : null;
}

/** Every transaction asks, and most commands need `node:crypto` for nothing else. */
function stateOf(bytes: Buffer): Digest {
  const hex = hashNatively(bytes);
  return hex === null ? digestOf(bytes) : `sha256:${hex}`;
}

interface Sources {
  readonly database: Database;
  readonly state: Digest;
  /** What was written last, whole or not: an index that it describes need not be read again. */
  readonly before?: string;
}

/** The text of index.json. */
export function formatLayoutIndex(paths: StorePaths, {database, state, before = ''}: Sources): string {
  const known = writtenEntries(before);
  const manifests = database.all(ENTRIES).map((row) => {
    const {reference, target_digest: target, manifest_digest: manifest} = row;
    const index = target === manifest ? null : describeIndex(paths, target as Digest, known);
    return {
      ...(index ? {mediaType: index.mediaType, digest: target, size: index.size} : manifestEntry(row)),
      ...(reference !== null && {annotations: {[NAME_ANNOTATION]: reference}}),
    };
  });
  const document = JSON.stringify({schemaVersion: 2, mediaType: OCI_INDEX, manifests});
  return `${document.slice(0, -1)}${endOfLayoutIndex(state)}`;
}

/** By which a text of this state is known. */
export const endOfLayoutIndex = (state: Digest): string =>
  `,"annotations":${JSON.stringify({[STATE_ANNOTATION]: state})}}\n`;

function manifestEntry({manifest_type: mediaType, manifest_digest: digest, manifest_bytes: size, platform}: Row) {
  const {os, architecture, ...variant} = splitPlatform(String(platform));
  return {mediaType, digest, size, ...(os && architecture && {platform: {architecture, os, ...variant}})};
}

/** Null: it is missing or damaged; its tag then leads to the image that was chosen from it. */
function describeIndex(paths: StorePaths, digest: Digest, known: ReadonlyMap<string, Document>): Document | null {
  const path = paths.blob(digest);
  const written = known.get(digest);
  try {
    const stats = statSync(path);
    // A pipe in its place would be waited for.
    if (!stats.isFile()) return null;
    const {size} = stats;
    if (written?.size === size && isIndexType(written.mediaType)) return written;
    if (size > MANIFEST_LIMIT_BYTES) return null;
    const {mediaType} = parseManifestDocument(readFileSync(path), {descriptor: {digest}, where: path});
    return {mediaType, size};
  } catch (error) {
    if (isWinchError(error) || isSystemError(error)) return null;
    throw error;
  }
}

const writtenEntries = (text: string): ReadonlyMap<string, Document> =>
  new Map(
    [...text.matchAll(WRITTEN_ENTRY)].map(([, mediaType = '', digest = '', size]) => [
      digest,
      {mediaType, size: Number(size)},
    ]),
  );
