import {WinchError} from '../errors.ts';
import type {Digest} from '../oci/digest.ts';
import {redirectFault} from './redirect-rules.ts';
import type {TransportResponse} from './transport.ts';

/** Where an upload goes on, as the registry's last reply said. */
export interface UploadPlace {
  /** Holds state of the registry; a new one comes with every reply. */
  readonly url: URL;
  /** Bytes that the registry has; null: it did not say. */
  readonly received: number | null;
  /** The shortest piece it takes, the last one excepted. */
  readonly minimumChunkBytes: number;
}

/**
 * The place that a reply names, else the one before.
 *
 * A registry may send uploads to another host, under the rules of redirects: HTTP and HTTPS only, never from HTTPS down
 * to HTTP, and to a written-out loopback or link-local address only from such a one.
 *
 * @throws {WinchError} `PROTOCOL_ERROR`
 * @see distribution-spec v1.1.1 spec.md#pushing-a-blob-in-chunks
 */
export function readUploadPlace(response: TransportResponse, before?: UploadPlace): UploadPlace {
  const {location, range} = response.headers;
  const minimum = [response.headers['oci-chunk-min-length'] ?? ''].flat()[0] ?? '';
  const last = /^(?:bytes=)?0-(\d{1,15})$/.exec([range ?? ''].flat()[0] ?? '')?.[1];
  const received = last === undefined ? null : Number(last) + 1;
  return {
    url: location === undefined && before ? before.url : resolveLocation(location ?? '', response.url),
    // The spec has no way to say that nothing was received: registries write 0-0.
    received: received === 1 ? 0 : received,
    minimumChunkBytes: /^\d{1,15}$/.test(minimum) ? Number(minimum) : (before?.minimumChunkBytes ?? 0),
  };
}

/** The place to end an upload at: its query is state and stays as it is. */
export function withDigest({url}: UploadPlace, digest: Digest): string {
  const {href} = url;
  return `${href}${url.search === '' ? '?' : '&'}digest=${encodeURIComponent(digest)}`;
}

function resolveLocation(location: string, base: URL): URL {
  if (location === '' || !URL.canParse(location, base)) throw refused(base, 'without saying where to send it');
  const url = new URL(location, base);
  // A registry behind a TLS proxy often writes its own address as plain HTTP.
  if (base.protocol === 'https:' && url.protocol === 'http:' && url.host === base.host) url.protocol = 'https:';
  const fault = redirectFault(url, {base, registry: base});
  if (fault !== null) throw refused(base, fault);
  url.username = '';
  url.password = '';
  url.hash = '';
  return url;
}

const refused = ({host}: URL, where: string): WinchError =>
  new WinchError('PROTOCOL_ERROR', `${host} takes an upload ${where}; not followed`, {
    kind: 'unavailable',
    hint: 'the registry, or something between, is set up wrongly',
    details: {host},
  });
