import {parseReference} from '../oci/reference.ts';
import type {Toolkit} from '../toolkit.ts';
import type {ApiContext, ApiRequest} from './api-request.ts';
import {readRegistryAuth} from './registry-auth.ts';

export interface OpenedWithLogin extends AsyncDisposable {
  readonly toolkit: Toolkit;
}

/**
 * The toolkit for what a request wants of a registry, which shows the login of the request there, if it has one.
 *
 * @param name Of an image or its repository.
 * @throws {WinchError} `REFERENCE_INVALID` | `AUTH_HEADER_INVALID`
 */
export async function openWithLogin(
  context: ApiContext,
  {headers}: Pick<ApiRequest, 'headers'>,
  name: string,
): Promise<OpenedWithLogin> {
  const {registry} = parseReference(name);
  const credential = readRegistryAuth(headers['x-registry-auth']);
  if (credential === null) return {toolkit: context.toolkit, [Symbol.asyncDispose]: async () => {}};
  const toolkit = await context.openToolkitWith({registries: [registry], credential});
  return {toolkit, [Symbol.asyncDispose]: () => toolkit.close()};
}
