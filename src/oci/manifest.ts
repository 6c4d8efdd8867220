import {WinchError} from '../errors.ts';
import {definedMembers} from './defined-members.ts';
import {
  type Annotations,
  type Descriptor,
  parseDescriptor,
  readAnnotations,
  readString,
  requireObject,
} from './descriptor.ts';
import {type Digest, digestAlgorithm, digestOf} from './digest.ts';
import {type ImageIndex, readDescriptors, readImageIndex, readSubject} from './image-index.ts';
import {resolveManifestType} from './manifest-type.ts';
import {isIndexType} from './media-types.ts';
import {type JsonObject, parseStrictJson, refuseCaseTwins} from './strict-json.ts';

/** One image or artifact (image-spec v1.1.1 manifest.md), or Docker's schema 2 manifest. */
export interface Manifest {
  readonly kind: 'manifest';
  readonly mediaType: string;
  readonly config: Descriptor;
  /** At most 500, base first. */
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly artifactType?: string;
  readonly annotations: Annotations;
}

export interface ManifestDocumentOptions {
  /** The reply's `Content-Type`; absent and generic ones leave the decision to the body. */
  readonly contentType?: string | undefined;
  /** What led here; every member that is given must hold. */
  readonly descriptor?: {
    readonly mediaType?: string | undefined;
    readonly size?: number | undefined;
    readonly digest?: Digest | undefined;
  };
  /** The document in a message (`manifest of alpine:3.20`). */
  readonly where: string;
}

/** The size a manifest or index may have; as much as containers/image and containerd read. */
export const MANIFEST_LIMIT_BYTES = 4 * 1024 * 1024;
/** As many as overlay can stack (Linux fs/overlayfs OVL_MAX_STACK). */
const LAYER_LIMIT = 500;
const CODES = {invalid: 'MANIFEST_INVALID', tooLarge: 'MANIFEST_TOO_LARGE', ambiguous: 'MANIFEST_AMBIGUOUS'};

const MANIFEST_KEYS = ['config', 'layers'];
const INDEX_KEYS = ['manifests'];
const SCHEMA1_KEYS = ['fsLayers', 'history', 'signatures'];
const KNOWN_KEYS = [
  ...['schemaVersion', 'mediaType', 'artifactType', 'subject', 'annotations'],
  ...[...MANIFEST_KEYS, ...INDEX_KEYS, ...SCHEMA1_KEYS],
];

/**
 * The manifest or index in `bytes`, such that no other client can read another one from the same bytes; keys that no
 * spec knows are dropped.
 *
 * @throws {WinchError}
 * - `MANIFEST_TOO_LARGE`: more than 4 MiB
 * - `SIZE_MISMATCH`, `DIGEST_MISMATCH`: not what the descriptor promised
 * - `MANIFEST_INVALID`, `DIGEST_INVALID`, `SIZE_INVALID`: no strict JSON or not the shape of its kind
 * - `MANIFEST_AMBIGUOUS`: a key twice or in another case, members of another kind of document (CVE-2021-41190)
 * - `MEDIA_TYPE_MISMATCH`: body, header and descriptor disagree
 * - `MANIFEST_UNSUPPORTED`: Docker schema 1 or an unknown media type
 * - `LIMIT_LAYERS`, `LIMIT_INDEX_ENTRIES`: more than 500 layers, more than 10 000 manifests
 */
export function parseManifestDocument(bytes: Uint8Array, options: ManifestDocumentOptions): Manifest | ImageIndex {
  const {contentType, descriptor = {}, where} = options;
  verifyBytes(bytes, descriptor, where);
  const value = parseStrictJson(bytes, {what: where, limitBytes: MANIFEST_LIMIT_BYTES, codes: CODES});
  const document = requireObject(value, where);
  refuseCaseTwins(document, KNOWN_KEYS, {where, code: CODES.ambiguous});
  const mediaType = resolveManifestType(document, {contentType, descriptorType: descriptor.mediaType}, where);
  const isIndex = isIndexType(mediaType);
  refuseForeignKeys(document, isIndex ? MANIFEST_KEYS : INDEX_KEYS, where);
  if (document.schemaVersion !== 2) refuse(CODES.invalid, `${where} has no schemaVersion 2`);
  return isIndex ? readImageIndex(document, mediaType, where) : readManifest(document, mediaType, where);
}

function verifyBytes(
  bytes: Uint8Array,
  {size, digest}: NonNullable<ManifestDocumentOptions['descriptor']>,
  where: string,
): void {
  if (size !== undefined && size !== bytes.length) {
    refuse('SIZE_MISMATCH', `${where} is ${bytes.length} bytes long and not ${size}`);
  }
  if (digest === undefined) return;
  const actual = digestOf(bytes, digestAlgorithm(digest));
  if (actual !== digest) refuse('DIGEST_MISMATCH', `${where} has the digest ${actual} and not ${digest}`);
}

function refuseForeignKeys(document: JsonObject, otherKindKeys: readonly string[], where: string): void {
  const foreign = [...otherKindKeys, ...SCHEMA1_KEYS].find((key) => Object.hasOwn(document, key));
  if (foreign !== undefined) {
    refuse(CODES.ambiguous, `${where} mixes two kinds of document: it also has "${foreign}"`);
  }
}

const readManifest = (document: JsonObject, mediaType: string, where: string): Manifest =>
  definedMembers({
    kind: 'manifest' as const,
    mediaType,
    config: parseDescriptor(document.config, `${where}: config`),
    layers: readDescriptors(document.layers, {
      where: `${where}: layers`,
      limit: LAYER_LIMIT,
      limitCode: 'LIMIT_LAYERS',
    }),
    subject: readSubject(document.subject, `${where}: subject`),
    artifactType: readString(document.artifactType, `${where}: artifactType`) || undefined,
    annotations: readAnnotations(document.annotations, `${where}: annotations`) ?? {},
  });

function refuse(code: string, message: string): never {
  throw new WinchError(code, message, {
    kind: 'refused',
    hint: 'the registry or a cache served damaged or forged bytes, or the image has to be pushed anew',
  });
}
