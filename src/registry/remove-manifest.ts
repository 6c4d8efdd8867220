import {isWinchError} from '../errors.ts';
import {type Digest, isDigest} from '../oci/digest.ts';
import {RAW_MANIFEST_ACCEPT} from '../oci/media-types.ts';
import {deleteManifest, type ManifestName} from './manifest-writes.ts';
import {fetchManifest} from './manifests.ts';
import {subjectOf} from './referrer-descriptor.ts';
import {referrersTagOf, removeFromReferrersTag} from './referrers-tag.ts';
import type {RegistrySession} from './session.ts';
import type {Turns} from './turns.ts';

/** @see RegistryClient.deleteManifest */
export async function removeManifest(session: RegistrySession, name: ManifestName, turns: Turns): Promise<void> {
  const {repository, tagOrDigest, signal} = name;
  const subject = isDigest(tagOrDigest) ? await findSubject(session, name) : null;
  await deleteManifest(session, name);
  if (subject === null || !isDigest(tagOrDigest)) return;
  const key = `${session.registry}/${repository}:${referrersTagOf(subject)}`;
  await turns.take(key, () => removeFromReferrersTag(session, {repository, subject, signal}, tagOrDigest));
}

/** Null as well where the document cannot be read: that is no reason not to delete it. */
async function findSubject(session: RegistrySession, name: ManifestName): Promise<Digest | null> {
  try {
    const {bytes} = await fetchManifest(session, {...name, accept: RAW_MANIFEST_ACCEPT});
    return subjectOf(bytes);
  } catch (error) {
    if (isWinchError(error)) return null;
    throw error;
  }
}
