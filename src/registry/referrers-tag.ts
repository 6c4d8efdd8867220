import {isArray, isPlainObject} from '@sindresorhus/is';
import {isWinchError, WinchError} from '../errors.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import {type Digest, digestAlgorithm, digestHex} from '../oci/digest.ts';
import type {ImageIndex} from '../oci/image-index.ts';
import {parseManifestDocument} from '../oci/manifest.ts';
import {OCI_INDEX} from '../oci/media-types.ts';
import {putManifest} from './manifest-writes.ts';
import {fetchManifest} from './manifests.ts';
import type {RegistrySession} from './session.ts';

export interface ReferrersTagName {
  readonly repository: string;
  readonly subject: Digest;
  readonly signal?: AbortSignal | undefined;
}

export interface ReferrersTag {
  readonly bytes: Buffer;
  /** Null: what stands under the tag is no index. */
  readonly index: ImageIndex | null;
}

const TAG_HEX_CHARACTERS = 64;
/** How often somebody else may write the index in between. */
const ATTEMPTS = 5;

/**
 * The tag under which a registry without the referrers API lists what refers to `subject`.
 *
 * @see distribution-spec v1.1.1 spec.md#referrers-tag-schema
 */
export const referrersTagOf = (subject: Digest): string =>
  `${digestAlgorithm(subject)}-${digestHex(subject).slice(0, TAG_HEX_CHARACTERS)}`;

/**
 * What stands under the tag; null: nothing.
 *
 * @throws {WinchError} `NAME_UNKNOWN`, and those of `parseManifestDocument` for an index that is none.
 */
export async function readReferrersTag(session: RegistrySession, name: ReferrersTagName): Promise<ReferrersTag | null> {
  const {repository, subject, signal} = name;
  const tag = referrersTagOf(subject);
  try {
    const {bytes, contentType} = await fetchManifest(session, {repository, tagOrDigest: tag, signal});
    const where = `${session.registry}/${repository}:${tag}`;
    const document = parseManifestDocument(bytes, {contentType, where});
    return {bytes, index: document.kind === 'index' ? document : null};
  } catch (error) {
    if (isWinchError(error, 'MANIFEST_UNKNOWN')) return null;
    throw error;
  }
}

/**
 * Adds a manifest to the index under its subject's tag. Idempotent; what others add at the same time stays, as far as a
 * registry without conditional writes allows: the index is read again before and after it is written.
 *
 * @throws {WinchError} `REFERRERS_UNWRITABLE`: something else stands under the tag, or others keep writing it.
 * @see distribution-spec v1.1.1 spec.md#pushing-manifests-with-subject
 */
export async function addToReferrersTag(
  session: RegistrySession,
  name: ReferrersTagName,
  referrer: Descriptor,
): Promise<void> {
  const isListed = (tag: ReferrersTag | null) =>
    tag?.index?.manifests.some(({digest}) => digest === referrer.digest) === true;
  await rewriteReferrersTag(session, name, {
    isDone: isListed,
    change: (manifests) => [...manifests, referrer],
  });
}

/** Takes a manifest out of the index under its subject's tag; guarantees and errors as `addToReferrersTag`. */
export async function removeFromReferrersTag(
  session: RegistrySession,
  name: ReferrersTagName,
  referrer: Digest,
): Promise<void> {
  await rewriteReferrersTag(session, name, {
    isDone: (tag) => tag?.index?.manifests.some(({digest}) => digest === referrer) !== true,
    change: (manifests) => manifests.filter((entry) => !isPlainObject(entry) || entry.digest !== referrer),
  });
}

interface Rewrite {
  readonly isDone: (tag: ReferrersTag | null) => boolean;
  readonly change: (manifests: readonly unknown[]) => readonly unknown[];
}

async function rewriteReferrersTag(
  session: RegistrySession,
  name: ReferrersTagName,
  {isDone, change}: Rewrite,
): Promise<void> {
  let before = await readReferrersTag(session, name);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (isDone(before)) return;
    if (before !== null && before.index === null) throw unwritable(session, name, 'something else has that tag');
    const bytes = serialize(before, change);
    const now = await readReferrersTag(session, name);
    if (now?.bytes.toString() === before?.bytes.toString()) {
      const {repository, subject, signal} = name;
      const manifest = {bytes, mediaType: before?.index?.mediaType ?? OCI_INDEX};
      await putManifest(session, {repository, tagOrDigest: referrersTagOf(subject), manifest, signal});
    }
    before = await readReferrersTag(session, name);
  }
  if (!isDone(before)) throw unwritable(session, name, 'others keep writing it');
}

/** Members that nobody here knows stay. */
function serialize(before: ReferrersTag | null, change: Rewrite['change']): Buffer {
  const document: unknown = before === null ? {} : JSON.parse(before.bytes.toString());
  const known = isPlainObject(document) ? document : {};
  const manifests = isArray(known.manifests) ? known.manifests : [];
  return Buffer.from(JSON.stringify({schemaVersion: 2, mediaType: OCI_INDEX, ...known, manifests: change(manifests)}));
}

function unwritable({registry}: RegistrySession, {repository, subject}: ReferrersTagName, why: string): WinchError {
  const tag = `${registry}/${repository}:${referrersTagOf(subject)}`;
  return new WinchError('REFERRERS_UNWRITABLE', `the list of referrers ${tag} cannot be changed: ${why}`, {
    kind: 'unavailable',
    hint: 'the manifest itself is stored; look at what stands under that tag',
    details: {subject},
  });
}
