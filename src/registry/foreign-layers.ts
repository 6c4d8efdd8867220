import {isWinchError, WinchError} from '../errors.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import {addressClass} from './address-class.ts';
import {type BlobStream, openBlob} from './blobs.ts';
import type {RegistrySession, SessionRequest} from './session.ts';
import type {Transport, TransportResponse} from './transport.ts';

export interface ForeignBlobRequest {
  /** Whose manifest names the layer. */
  readonly registry: string;
  readonly repository: string;
  readonly descriptor: Descriptor;
  readonly offset: number;
  readonly signal?: AbortSignal | undefined;
}

const MAX_REDIRECTS = 10;
const MAX_URLS = 10;
const REDIRECT_STATUSES: readonly number[] = Object.freeze([301, 302, 303, 307, 308]);

/**
 * Opens a layer that its registry does not hold, from the first of its `urls` that gives it.
 *
 * No login of any kind goes there. HTTPS only, redirects included, and a written-out loopback, link-local or private
 * address only where the registry has one of that class itself: whoever wrote the manifest must not make this machine
 * ask its own network.
 *
 * @throws {WinchError} `FOREIGN_LAYER_UNAVAILABLE`: no place gives it; what each one did is in the message.
 * @see image-spec v1.1.1 descriptor.md#properties, CVE-2020-15157
 */
export async function openForeignBlob(transport: Transport, request: ForeignBlobRequest): Promise<BlobStream> {
  const {descriptor, repository, offset, signal} = request;
  const failures: string[] = [];
  for (const text of (descriptor.urls ?? []).slice(0, MAX_URLS)) {
    try {
      const session = foreignSession(transport, checkPlace(text, request), request);
      return await openBlob(session, {repository, descriptor, offset, signal});
    } catch (error) {
      if (!isWinchError(error)) throw error;
      failures.push(error.code === 'FOREIGN_PLACE_REFUSED' ? error.message : `${hostOf(text)}: ${error.code}`);
    }
  }
  throw notGiven(request, failures);
}

/** A session whose only answer is the layer. */
function foreignSession(transport: Transport, place: URL, request: ForeignBlobRequest): RegistrySession {
  return {
    registry: place.host,
    secrets: () => [],
    distrust: () => false,
    request: ({headers = {}, signal}: SessionRequest) => follow(transport, {url: place, headers, signal}, request),
  };
}

interface PlaceRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
}

async function follow(
  transport: Transport,
  place: PlaceRequest,
  request: ForeignBlobRequest,
): Promise<TransportResponse> {
  let {url} = place;
  for (let count = 0; count <= MAX_REDIRECTS; count++) {
    const response = await transport.send({...place, url});
    const {location} = response.headers;
    if (!REDIRECT_STATUSES.includes(response.status) || location === undefined) return response;
    await response.discard();
    url = checkPlace(location, request, url);
  }
  throw placeRefused(`${place.url.host} redirects more than ${MAX_REDIRECTS} times`);
}

function checkPlace(text: string, {registry}: ForeignBlobRequest, base?: URL): URL {
  if (!URL.canParse(text, base)) throw placeRefused('one place is no URL');
  const url = new URL(text, base);
  if (url.protocol !== 'https:') throw placeRefused(`${url.host} is not asked over ${url.protocol.slice(0, 20)}`);
  if (url.username !== '' || url.password !== '') throw placeRefused(`${url.host} is named with a login`);
  const kind = addressClass(url.hostname);
  if (kind !== null && kind !== addressClass(new URL(`https://${registry}`).hostname)) {
    throw placeRefused(`${url.host} is a ${kind} address`);
  }
  return url;
}

const hostOf = (text: string): string => (URL.canParse(text) ? new URL(text).host : 'no URL');

const placeRefused = (message: string): WinchError =>
  new WinchError('FOREIGN_PLACE_REFUSED', message, {kind: 'refused', hint: 'it was not asked'});

const notGiven = ({registry, repository, descriptor}: ForeignBlobRequest, failures: readonly string[]) =>
  new WinchError(
    'FOREIGN_LAYER_UNAVAILABLE',
    `layer ${descriptor.digest} of ${registry}/${repository} is nowhere to be had: ${
      failures.join('; ') || 'its manifest names no place'
    }`,
    {kind: 'unavailable', hint: 'the publisher of the image may have it elsewhere'},
  );
