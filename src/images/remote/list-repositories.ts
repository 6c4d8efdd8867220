import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import type {RemoteContext} from './context.ts';
import {parseRegistry} from './repository-name.ts';

export interface RepositoryList {
  readonly registry: string;
  readonly repositories: readonly string[];
}

export interface ListRepositoriesOptions extends CallOptions {
  /** At most so many, counted after the filter. Default: all, up to 100 000. */
  readonly limit?: number | undefined;
  /** Begins after this one, in the registry's order. */
  readonly last?: string | undefined;
  /** Globs, of which one has to match. */
  readonly include?: readonly string[] | undefined;
}

const REPOSITORIES_LIMIT = 100_000;

/**
 * The repositories of a registry, each once, where it offers such a list.
 *
 * @throws {WinchError} `REFERENCE_INVALID`, `CATALOG_UNSUPPORTED`, and those of `RegistryClient`;
 * `LIMIT_REPOSITORIES`: more than 100 000.
 */
export async function listRemoteRepositories(
  context: RemoteContext,
  registryText: string,
  options: ListRepositoriesOptions = {},
): Promise<RepositoryList> {
  const registry = parseRegistry(registryText);
  const {signal, onEvent, last, limit = REPOSITORIES_LIMIT + 1, include = []} = options;
  const isPlain = include.length === 0;
  const choose = isPlain ? null : (await import('./tag-patterns.ts')).compileTagPatterns({include});
  const client = await context.registry();
  const repositories = await client.catalog(registry, {
    signal,
    onEvent,
    last,
    limit: isPlain ? limit : REPOSITORIES_LIMIT + 1,
  });
  if (repositories.length > REPOSITORIES_LIMIT) throw tooMany(registry);
  return {registry, repositories: (choose?.(repositories) ?? repositories).slice(0, limit)};
}

const tooMany = (registry: string): WinchError =>
  new WinchError('LIMIT_REPOSITORIES', `${registry} has more than ${REPOSITORIES_LIMIT} repositories`, {
    kind: 'refused',
    hint: 'list a part of them',
  });
