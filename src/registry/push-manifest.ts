import {type ManifestPut, type PushedManifest, putManifest} from './manifest-writes.ts';
import {describeReferrer, subjectOf} from './referrer-descriptor.ts';
import {addToReferrersTag, referrersTagOf} from './referrers-tag.ts';
import type {RegistrySession} from './session.ts';
import type {Turns} from './turns.ts';

/** @see RegistryClient.putManifest */
export async function pushManifest(session: RegistrySession, put: ManifestPut, turns: Turns): Promise<PushedManifest> {
  const pushed = await putManifest(session, put);
  const {repository, manifest, signal} = put;
  const subject = subjectOf(manifest.bytes);
  if (pushed.subject !== null || subject === null) return pushed;
  const referrer = describeReferrer(manifest, pushed.digest);
  const key = `${session.registry}/${repository}:${referrersTagOf(subject)}`;
  await turns.take(key, () => addToReferrersTag(session, {repository, subject, signal}, referrer));
  return pushed;
}
