import {WinchError} from '../errors.ts';
import {excerpt} from './excerpt.ts';
import {isIndexType, isManifestType, isSchema1Type, OCI_INDEX, OCI_MANIFEST} from './media-types.ts';
import type {JsonObject} from './strict-json.ts';

export interface ManifestTypeClaims {
  /** The reply's `Content-Type`. */
  readonly contentType?: string | undefined;
  /** The media type of the descriptor that led here. */
  readonly descriptorType?: string | undefined;
}

/** What servers say that do not know what they serve. */
const GENERIC_TYPES: readonly string[] = [
  'application/json',
  'application/octet-stream',
  'binary/octet-stream',
  'text/json',
  'text/plain',
];

/**
 * The media type of a manifest document: what its body, the reply's header and the descriptor agree on; by its shape
 * when none of them says.
 *
 * @throws {WinchError} `MANIFEST_UNSUPPORTED` (Docker schema 1, an unknown type) | `MEDIA_TYPE_MISMATCH` |
 * `MANIFEST_INVALID` (no type and no known shape).
 * @see distribution-spec v1.1.1 spec.md#pulling-manifests
 */
export function resolveManifestType(document: JsonObject, claims: ManifestTypeClaims, where: string): string {
  const said = [
    {source: 'its body', type: bodyType(document, where)},
    {source: 'the Content-Type', type: specificType(claims.contentType)},
    {source: 'the descriptor', type: specificType(claims.descriptorType)},
  ].filter((claim): claim is {source: string; type: string} => claim.type !== undefined);
  refuseSchema1(
    document,
    said.map(({type}) => type),
    where,
  );
  const [first, ...others] = said;
  if (first === undefined) return typeByShape(document, where);
  const other = others.find(({type}) => type !== first.type);
  if (other) {
    const message = `${where} is ${excerpt(first.type)} by ${first.source} but ${excerpt(other.type)} by ${other.source}`;
    throw new WinchError('MEDIA_TYPE_MISMATCH', message, {
      kind: 'refused',
      hint: 'clients would read different images from it; it has to be pushed anew',
    });
  }
  if (isManifestType(first.type) || isIndexType(first.type)) return first.type;
  throw unsupported(`${where} is of the unknown type ${excerpt(first.type)}`);
}

function bodyType(document: JsonObject, where: string): string | undefined {
  const mediaType = document.mediaType ?? '';
  if (typeof mediaType !== 'string') throw invalid(`${where}: mediaType is no string`);
  return mediaType === '' ? undefined : mediaType;
}

function specificType(header: string | undefined): string | undefined {
  const type = header?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return type === '' || GENERIC_TYPES.includes(type) ? undefined : type;
}

function refuseSchema1(document: JsonObject, types: readonly string[], where: string): void {
  const isSchema1 = document.schemaVersion === 1 || types.some(isSchema1Type);
  if (isSchema1) throw unsupported(`${where} is a Docker schema 1 manifest, the format before Docker 1.10`);
}

function typeByShape(document: JsonObject, where: string): string {
  if (Object.hasOwn(document, 'manifests')) return OCI_INDEX;
  if (Object.hasOwn(document, 'config') || Object.hasOwn(document, 'layers')) return OCI_MANIFEST;
  throw invalid(`${where} is neither a manifest nor an index`);
}

const unsupported = (message: string): WinchError =>
  new WinchError('MANIFEST_UNSUPPORTED', message, {
    kind: 'refused',
    hint: 'manifests and indexes of OCI and of Docker schema 2 can be read; push the image with a current client',
  });

const invalid = (message: string): WinchError =>
  new WinchError('MANIFEST_INVALID', message, {kind: 'refused', hint: 'the image has to be built or pushed anew'});
