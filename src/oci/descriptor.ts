import {isArray, isNullOrUndefined, isNumber, isPlainObject, isSafeInteger, isString} from '@sindresorhus/is';

import {WinchError} from '../errors.ts';
import {definedMembers} from './defined-members.ts';
import {type Digest, parseDigest} from './digest.ts';
import {excerpt} from './excerpt.ts';
import type {Platform} from './platform.ts';
import {type JsonObject, refuseCaseTwins} from './strict-json.ts';

/** A reference to bytes by digest (image-spec v1.1.1 descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes; a safe integer, never negative. */
  readonly size: number;
  /** Other places that may hold the bytes. Nothing here fetches them. */
  readonly urls?: readonly string[];
  readonly annotations?: Annotations;
  /** Absent as well when the document says an empty one. */
  readonly platform?: Platform;
  /** The bytes themselves in base64, unverified. */
  readonly data?: string;
  readonly artifactType?: string;
}

export type Annotations = Readonly<Record<string, string>>;

const DESCRIPTOR_KEYS = ['mediaType', 'digest', 'size', 'urls', 'annotations', 'platform', 'data', 'artifactType'];
const PLATFORM_KEYS = ['os', 'architecture', 'variant', 'os.version', 'os.features', 'features'];
/** Type and subtype of printable ASCII, since the value goes into headers; RFC 6838 allows less. */
const MEDIA_TYPE_PATTERN = /^[\x21-\x7e]{1,127}\/[\x20-\x7e]{1,127}$/;

/**
 * The descriptor that `value` is; keys that no spec knows are dropped. Reads with `@sindresorhus/is`, which costs 14 ms
 * to load, so this file belongs to pulls and not to the start of a container.
 *
 * @param where The place in a message (`manifest of alpine:3.20: layers[2]`).
 * @throws {WinchError} `SIZE_INVALID` | `DIGEST_INVALID` | `MANIFEST_AMBIGUOUS` (a key in another case) |
 * `MANIFEST_INVALID` (any other member).
 */
export function parseDescriptor(value: unknown, where: string): Descriptor {
  const object = requireObject(value, where);
  refuseCaseTwins(object, DESCRIPTOR_KEYS, {where, code: 'MANIFEST_AMBIGUOUS'});
  return definedMembers({
    mediaType: readMediaType(object.mediaType, where),
    digest: parseDigest(object.digest, where),
    size: readSize(object.size, where),
    urls: readStrings(object.urls, `${where}.urls`),
    annotations: readAnnotations(object.annotations, `${where}.annotations`),
    platform: readPlatform(object.platform, `${where}.platform`),
    data: readString(object.data, `${where}.data`),
    artifactType: readString(object.artifactType, `${where}.artifactType`) || undefined,
  });
}

/** A map of strings; null and absent are the same, as Go writes both. */
export function readAnnotations(value: unknown, where: string): Annotations | undefined {
  if (isNullOrUndefined(value)) return undefined;
  const object = requireObject(value, where);
  if (!Object.values(object).every(isString)) invalid(where, 'has a value that is no string');
  return object as Annotations;
}

/** A string, or absent; null counts as absent. */
export function readString(value: unknown, where: string): string | undefined {
  if (isNullOrUndefined(value)) return undefined;
  return isString(value) ? value : invalid(where, 'is no string');
}

/** Any JSON object. */
export const requireObject = (value: unknown, where: string): JsonObject =>
  isPlainObject(value) ? value : invalid(where, 'is no object');

function readMediaType(value: unknown, where: string): string {
  if (isString(value) && MEDIA_TYPE_PATTERN.test(value)) return value;
  return invalid(where, isString(value) ? `has the media type ${excerpt(value)}` : 'has no media type');
}

function readSize(value: unknown, where: string): number {
  if (isSafeInteger(value) && value >= 0) return value;
  const shown = isNumber(value) || isString(value) ? excerpt(String(value)) : 'no number';
  throw new WinchError('SIZE_INVALID', `${where} has the size ${shown}`, {
    kind: 'refused',
    hint: 'A size is a whole number of bytes',
  });
}

function readStrings(value: unknown, where: string): readonly string[] | undefined {
  if (isNullOrUndefined(value)) return undefined;
  return isArray(value, isString) ? value : invalid(where, 'is no list of strings');
}

/** Some tools write empty names beside artifacts; that says no platform. */
function readPlatform(value: unknown, where: string): Platform | undefined {
  if (isNullOrUndefined(value)) return undefined;
  const object = requireObject(value, where);
  refuseCaseTwins(object, PLATFORM_KEYS, {where, code: 'MANIFEST_AMBIGUOUS'});
  const os = readString(object.os, `${where}.os`) ?? '';
  const architecture = readString(object.architecture, `${where}.architecture`) ?? '';
  if (os === '' && architecture === '') return undefined;
  return definedMembers({
    os,
    architecture,
    variant: readString(object.variant, `${where}.variant`) || undefined,
    'os.version': readString(object['os.version'], `${where}.os.version`),
    'os.features': readStrings(object['os.features'], `${where}.os.features`),
  });
}

function invalid(where: string, fault: string): never {
  throw new WinchError('MANIFEST_INVALID', `${where} ${fault}`, {
    kind: 'refused',
    hint: 'the image has to be built or pushed anew',
  });
}
