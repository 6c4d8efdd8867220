import {isWinchError} from '../../errors.ts';
import type {Descriptor} from '../../oci/descriptor.ts';
import type {Digest} from '../../oci/digest.ts';
import {splitReference} from '../../oci/reference.ts';
import type {RepositoryName} from '../../registry/client.ts';
import {listTags} from '../../store/tags.ts';
import type {ImageContext} from '../context.ts';
import {type ReadCall, unknown} from './read-call.ts';

/** For a list that is also known in part. */
const LIST_PATIENCE_MS = 10_000;

/** @see ReadThrough.listTags */
export async function listAllTags(
  context: ImageContext,
  repository: RepositoryName,
  {signal, mayFetch}: ReadCall,
): Promise<readonly string[]> {
  const stored = listStoredTags(context, repository);
  try {
    if (!mayFetch) return stored;
    const patience = AbortSignal.any([signal, AbortSignal.timeout(LIST_PATIENCE_MS)]);
    const found = await (await context.registry()).listTags(repository, {signal: patience});
    return [...new Set([...stored, ...found])].toSorted();
  } catch (error) {
    signal.throwIfAborted();
    const isTimeout = error instanceof Error && error.name === 'TimeoutError';
    if (stored.length > 0 && (isTimeout || isWinchError(error))) return stored;
    throw isTimeout ? unknown('NAME_UNKNOWN', `${repository.registry}/${repository.repository}`) : error;
  }
}

function listStoredTags({store}: ImageContext, {registry, repository}: RepositoryName): readonly string[] {
  return store
    .read(listTags, [])
    .map(({reference}) => splitReference(reference))
    .filter((reference) => reference.registry === registry && reference.repository === repository)
    .flatMap(({tag}) => tag ?? [])
    .toSorted();
}

export interface ReferrersRequest {
  readonly repository: RepositoryName;
  readonly subject: Digest;
  /** Only those of this type; absent: all. */
  readonly artifactType?: string | undefined;
}

/** @see ReadThrough.listReferrers */
export async function listReferrers(
  {registry}: ImageContext,
  {repository, subject, artifactType}: ReferrersRequest,
  {signal, mayFetch}: ReadCall,
): Promise<readonly Descriptor[]> {
  if (!mayFetch) throw unknown('MANIFEST_UNKNOWN', `what refers to ${subject}`);
  const {referrers} = await (await registry()).referrers(repository, subject, {artifactType, signal});
  return referrers;
}

/** @see ReadThrough.listRepositories */
export function listStoredRepositories({store}: ImageContext): readonly RepositoryName[] {
  const names = store.read(listTags, []).map(({reference}) => splitReference(reference));
  const byName = new Map(names.map((name) => [`${name.registry}/${name.repository}`, name]));
  return [...byName].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, name]) => name);
}
