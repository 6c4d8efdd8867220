import {WinchError} from '../errors.ts';
import {parseReference} from '../oci/reference.ts';
import type {RepositoryName} from '../registry/client.ts';

/** A path of the API has no place for the colon of a port: `127.0.0.1_5000/app` stands for `127.0.0.1:5000/app`. */
const PORT_IN_PATH = /^([a-z0-9.-]+)_(\d{1,5})(?=\/)/;
const PORT = /:(\d+)$/;
/** What a path of the API may have in it (distribution-spec v1.1.1 spec.md#pulling-manifests). */
const NAME = /^[a-z0-9._/-]+$/;

/**
 * The repository that a name within the API stands for: that of its first part, when this is a registry, else of Docker
 * Hub.
 *
 * @param origin The registry, where the client says it apart from the name, as containerd does (`ns`).
 * @throws {WinchError} `NAME_INVALID`
 */
export function repositoryOf(name: string, origin: string | null): RepositoryName {
  try {
    if (!NAME.test(name)) throw invalid(name);
    const {registry, repository} = parseReference(
      origin === null ? name.replace(PORT_IN_PATH, '$1:$2') : `${origin}/${name}`,
    );
    return {registry, repository};
  } catch (error) {
    throw error instanceof WinchError ? invalid(name) : error;
  }
}

/** The name within the API of a repository; null: there is none for it. */
export function nameOf({registry, repository}: RepositoryName): string | null {
  const name = `${registry.replace(PORT, '_$1')}/${repository}`;
  return NAME.test(name) ? name : null;
}

const invalid = (name: string) =>
  new WinchError('NAME_INVALID', `${JSON.stringify(name)} is no name of a repository`, {kind: 'invalid'});
