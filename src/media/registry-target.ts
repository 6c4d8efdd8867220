import {WinchError} from '../errors.ts';
import type {Reference} from '../oci/reference.ts';
import type {RegistryClient, RepositoryName} from '../registry/client.ts';
import type {ContentDocument, ContentSource, ContentTarget, PutOutcome} from './content.ts';
import {formatLocation} from './location.ts';

const PRESENT: PutOutcome = Object.freeze({outcome: 'present', sentBytes: 0});

/** A place at a registry; a reference with a digest takes nothing else. */
export function openRegistryTarget(registry: RegistryClient, reference: Reference): ContentTarget {
  const tagOrDigest = reference.tag ?? reference.digest ?? 'latest';
  const name = formatLocation({kind: 'registry', reference});
  const isThere = async ({descriptor}: ContentDocument, options: Parameters<ContentTarget['current']>[0]) =>
    (await registry.headManifest(reference, descriptor.digest, {...options, avoidsMirrors: true})) !== null;
  return {
    name,
    isSingleImage: false,
    requireSuitable: () => {},
    current: async (options) =>
      (await registry.headManifest(reference, tagOrDigest, {...options, avoidsMirrors: true}))?.digest ?? null,
    hasBlob: async ({digest}, options) =>
      (await registry.headBlob(reference, digest, {...options, avoidsMirrors: true})) !== null,
    putBlob: (descriptor, from, {foreign, ...options}) => {
      const {digest, size} = descriptor;
      const source = from.blob(descriptor, {foreign});
      return registry.uploadBlob(
        reference,
        {digest, size, source},
        {...options, mountFrom: neighbour(from, reference)},
      );
    },
    putDocument: async (document, {role, ...options}) => {
      const {descriptor, bytes} = document;
      if (role === 'root') requireDigest(reference, document);
      if (role === 'member' && (await isThere(document, options))) return PRESENT;
      if (role === 'referrer' && (await isListed(registry, {reference, document}, options))) return PRESENT;
      const isNamed = role === 'root';
      const manifest = {bytes, mediaType: descriptor.mediaType};
      await registry.putManifest(reference, isNamed ? tagOrDigest : descriptor.digest, manifest, options);
      return {outcome: 'uploaded', sentBytes: bytes.length};
    },
    finish: async () => {},
    close: async () => {},
  };
}

/** Another repository of the target's registry that has the source's blobs. */
const neighbour = ({repositories}: ContentSource, target: RepositoryName): string | undefined =>
  repositories.find(({registry, repository}) => registry === target.registry && repository !== target.repository)
    ?.repository;

interface Referrer {
  readonly reference: Reference;
  readonly document: ContentDocument;
}

/** Whether a referrer is both stored and found by its subject, which is not the same without the referrers API. */
async function isListed(
  registry: RegistryClient,
  {reference, document: {descriptor, document}}: Referrer,
  options: Parameters<ContentTarget['current']>[0],
): Promise<boolean> {
  const call = {...options, avoidsMirrors: true};
  if ((await registry.headManifest(reference, descriptor.digest, call)) === null) return false;
  if (!document.subject) return true;
  const {referrers} = await registry.referrers(reference, document.subject.digest, call);
  return referrers.some(({digest}) => digest === descriptor.digest);
}

function requireDigest({digest}: Reference, {descriptor}: ContentDocument): void {
  if (digest === null || digest === descriptor.digest) return;
  throw new WinchError('DIGEST_MISMATCH', `what is copied has the digest ${descriptor.digest} and not ${digest}`, {
    kind: 'refused',
    hint: 'leave the digest out of the name of the target, or copy another image',
  });
}
