import {readPagedList} from './paged-list.ts';
import {responseError} from './response-errors.ts';
import type {RegistrySession} from './session.ts';

interface CatalogRequest {
  readonly limit?: number | undefined;
  readonly last?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** @see RegistryClient.catalog */
export const listRepositories = (session: RegistrySession, request: CatalogRequest): Promise<readonly string[]> =>
  readPagedList(session, {
    path: '/v2/_catalog',
    member: 'repositories',
    what: 'the catalog',
    repository: null,
    actions: ['catalog'],
    ...request,
    failure: (response) =>
      responseError(response, {
        registry: session.registry,
        repository: '',
        wanted: 'its catalog',
        notFound: unsupported(session),
        unsupported: unsupported(session),
        secrets: session.secrets(),
      }),
  });

const unsupported = ({registry}: RegistrySession) => ({
  code: 'CATALOG_UNSUPPORTED',
  message: `${registry} has no catalog of its repositories`,
  hint: 'many registries offer none: look in their web interface',
});
