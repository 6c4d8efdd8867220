import {readFileSync, renameSync, statSync, unlinkSync, writeFileSync} from 'node:fs';
import {hasErrno, isWinchError} from '../errors.ts';
import type {Digest} from '../oci/digest.ts';
import {LAYOUT_TEXT, NAME_ANNOTATION} from '../oci/image-layout.ts';
import {MANIFEST_LIMIT_BYTES, parseManifestDocument} from '../oci/manifest.ts';
import {OCI_INDEX} from '../oci/media-types.ts';
import {splitPlatform} from '../oci/platform.ts';
import type {Database, Row} from './database.ts';
import type {StorePaths} from './paths.ts';

/** What the database does not know of an index. */
type Document = Readonly<{mediaType: string; size: number}>;

/** Tags by name, then the images that no tag leads to. */
const ENTRIES = `
  SELECT reference, target_digest, manifest_digest, manifest_type, manifest_bytes, platform
  FROM tag JOIN image USING (manifest_digest)
  UNION ALL
  SELECT NULL, manifest_digest, manifest_digest, manifest_type, manifest_bytes, platform FROM image
  WHERE NOT EXISTS (SELECT 1 FROM tag WHERE tag.manifest_digest = image.manifest_digest) AND NOT EXISTS (
    SELECT 1 FROM index_part JOIN tag ON target_digest = index_digest
    WHERE digest = image.manifest_digest AND kind = 'image')
  ORDER BY reference NULLS LAST, target_digest`;

/** As this file writes an entry; of a torn file what is left of it. */
const WRITTEN_ENTRY = /\{"mediaType":"([^"]+)","digest":"([^"]+)","size":(\d+)/g;
/** SQLite's own failures are not the files'. */
const SYSTEM_ERROR = /^E[A-Z0-9]+$/;

/**
 * Makes the files true by which other tools read the store as an OCI layout: every tag under its whole name, and the
 * images without one. Part of each transaction, while which nobody else can write: so the last to commit is the last to
 * have written them.
 *
 * They are written anew only where they differ from what the database says, and never synced: what a power cut makes of
 * them, or a process that was killed before its commit, differs. Where they cannot be written they are removed, since
 * the store works without them. Without images there are none.
 *
 * @see image-spec v1.1.1 image-layout.md
 */
export function keepLayoutIndex(paths: StorePaths, database: Database): void {
  try {
    const before = readText(paths.layoutIndex);
    const wanted = layoutIndex(paths, {database, known: writtenEntries(before ?? '')});
    if (wanted === null) removeLayoutIndex(paths);
    else {
      if (readText(paths.layoutMark) !== LAYOUT_TEXT) replaceFile(paths.layoutMark, LAYOUT_TEXT);
      if (wanted !== before) replaceFile(paths.layoutIndex, wanted);
    }
  } catch (error) {
    if (!isSystemError(error)) throw error;
    ignoringSystemErrors(() => removeLayoutIndex(paths));
  }
}

/** Whether other tools find in the store what the database says; every index that a tag names is read. */
export function isLayoutIndexCurrent(paths: StorePaths, database: Database): boolean {
  const wanted = layoutIndex(paths, {database, known: new Map()});
  const mark = wanted === null ? null : LAYOUT_TEXT;
  try {
    return readText(paths.layoutIndex) === wanted && readText(paths.layoutMark) === mark;
  } catch (error) {
    if (isSystemError(error)) return false;
    throw error;
  }
}

interface Sources {
  readonly database: Database;
  /** Documents that need not be read. */
  readonly known: ReadonlyMap<string, Document>;
}

/** Null: there is no image. */
function layoutIndex(paths: StorePaths, {database, known}: Sources): string | null {
  const rows = database.all(ENTRIES);
  if (rows.length === 0) return null;
  const manifests = rows.map((row) => {
    const {reference, target_digest: target, manifest_digest: manifest} = row;
    const index = target === manifest ? null : (known.get(String(target)) ?? readIndex(paths, target as Digest));
    return {
      ...(index ? {mediaType: index.mediaType, digest: target, size: index.size} : manifestEntry(row)),
      ...(reference !== null && {annotations: {[NAME_ANNOTATION]: reference}}),
    };
  });
  return `${JSON.stringify({schemaVersion: 2, mediaType: OCI_INDEX, manifests})}\n`;
}

function manifestEntry({manifest_type: mediaType, manifest_digest: digest, manifest_bytes: size, platform}: Row) {
  const {os, architecture, ...variant} = splitPlatform(String(platform));
  return {mediaType, digest, size, ...(os && architecture && {platform: {architecture, os, ...variant}})};
}

/** Null: it is missing or damaged; its tag then leads to the image that was chosen from it. */
function readIndex(paths: StorePaths, digest: Digest): Document | null {
  try {
    const path = paths.blob(digest);
    if (statSync(path).size > MANIFEST_LIMIT_BYTES) return null;
    const bytes = readFileSync(path);
    const {mediaType} = parseManifestDocument(bytes, {descriptor: {digest}, where: path});
    return {mediaType, size: bytes.length};
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

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

/** Nobody else writes meanwhile, so one staging name will do, and a killed process leaves no more than that. */
function replaceFile(path: string, text: string): void {
  const staging = `${path}.tmp`;
  writeFileSync(staging, text, {mode: 0o600});
  renameSync(staging, path);
}

/** First what names something. */
function removeLayoutIndex({layoutIndex: index, layoutMark: mark}: StorePaths): void {
  for (const path of [index, mark]) for (const name of [path, `${path}.tmp`]) removeFile(name);
}

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
  }
}

const isSystemError = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && SYSTEM_ERROR.test(String(error.code));

function ignoringSystemErrors(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
}
