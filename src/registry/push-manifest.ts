import is from '@sindresorhus/is';
import {definedMembers} from '../oci/defined-members.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import {type Digest, isDigest} from '../oci/digest.ts';
import {type ManifestDocument, type ManifestPut, type PushedManifest, putManifest} from './manifest-writes.ts';
import {addToReferrersTag, referrersTagOf} from './referrers-tag.ts';
import type {RegistrySession} from './session.ts';
import type {Turns} from './turns.ts';

/** @see RegistryClient.putManifest */
export async function pushManifest(session: RegistrySession, put: ManifestPut, turns: Turns): Promise<PushedManifest> {
  const pushed = await putManifest(session, put);
  const {repository, manifest, signal} = put;
  const document = readLoosely(manifest);
  const subject = is.plainObject(document.subject) ? document.subject.digest : undefined;
  if (pushed.subject !== null || !isDigest(subject)) return pushed;
  const referrer = describe(manifest, document, pushed.digest);
  const key = `${session.registry}/${repository}:${referrersTagOf(subject)}`;
  await turns.take(key, () => addToReferrersTag(session, {repository, subject, signal}, referrer));
  return pushed;
}

/** The registry has taken the document by now, so only what concerns the list of referrers is looked at. */
function readLoosely({bytes}: ManifestDocument): Readonly<Record<string, unknown>> {
  try {
    const document: unknown = JSON.parse(Buffer.from(bytes).toString());
    return is.plainObject(document) ? document : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/** distribution-spec v1.1.1 spec.md#listing-referrers: the artifact type, else that of the config, and the annotations. */
function describe(
  {bytes, mediaType}: ManifestDocument,
  {artifactType, config, annotations}: Readonly<Record<string, unknown>>,
  digest: Digest,
): Descriptor {
  const configType = is.plainObject(config) ? config.mediaType : undefined;
  return definedMembers({
    mediaType,
    digest,
    size: bytes.length,
    artifactType: [artifactType, configType].find(is.nonEmptyString),
    annotations: isAnnotations(annotations) ? annotations : undefined,
  });
}

const isAnnotations = (value: unknown): value is Record<string, string> =>
  is.plainObject(value) && Object.values(value).every(is.string);
