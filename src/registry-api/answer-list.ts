import {WinchError} from '../errors.ts';
import type {ReadThrough} from '../images/read-through/open-read-through.ts';
import type {ReadCall} from '../images/read-through/read-call.ts';
import type {Digest} from '../oci/digest.ts';
import {OCI_INDEX} from '../oci/media-types.ts';
import type {RepositoryName} from '../registry/client.ts';
import {pageReply} from './list-page.ts';
import {jsonReply, type RegistryReply} from './registry-reply.ts';
import {nameOf} from './repository-name.ts';

export interface Listing {
  readonly path: string;
  readonly query: URLSearchParams;
}

export interface TagListing extends Listing {
  /** As the client has it. */
  readonly name: string;
  readonly repository: RepositoryName;
}

/** @see distribution-spec v1.1.1 spec.md#listing-tags */
export async function listTags(
  images: ReadThrough,
  {path, query, name, repository}: TagListing,
  call: ReadCall,
): Promise<RegistryReply> {
  const names = await images.listTags(repository, call);
  if (names.length === 0) throw new WinchError('NAME_UNKNOWN', `there is nothing of ${name}`, {kind: 'not-found'});
  return pageReply({path, query, names}, (tags) => ({name, tags}));
}

/** Those of which something is stored: there is no end to what could be fetched. */
export function listRepositories(images: ReadThrough, {path, query}: Listing): RegistryReply {
  const names = images
    .listRepositories()
    .flatMap((repository) => nameOf(repository) ?? [])
    .toSorted();
  return pageReply({path, query, names}, (repositories) => ({repositories}));
}

/** @see distribution-spec v1.1.1 spec.md#listing-referrers */
export async function listReferrers(
  images: ReadThrough,
  {repository, subject, query}: {readonly repository: RepositoryName; readonly subject: Digest} & Omit<Listing, 'path'>,
  call: ReadCall,
): Promise<RegistryReply> {
  const artifactType = query.get('artifactType') ?? undefined;
  const manifests = await images.listReferrers({repository, subject, artifactType}, call);
  const index = {schemaVersion: 2, mediaType: OCI_INDEX, manifests};
  const filtered = artifactType === undefined ? {} : {'OCI-Filters-Applied': 'artifactType'};
  return jsonReply(index, {'Content-Type': OCI_INDEX, ...filtered});
}
