import {WinchError} from '../errors.ts';
import {type Digest, isDigest} from './digest.ts';
import {excerpt} from './excerpt.ts';

/** An image's name, normalised: nothing of it is left to a default. */
export interface Reference {
  /** `host[:port]`; `docker.io` for Docker Hub. */
  readonly registry: string;
  /** Path within the registry (`library/alpine`). */
  readonly repository: string;
  /** Null only when a digest names the image. */
  readonly tag: string | null;
  readonly digest: Digest | null;
}

const DEFAULT_REGISTRY = 'docker.io';
/** Docker Hub's name of 2013, still in scripts. */
const LEGACY_DEFAULT_REGISTRY = 'index.docker.io';
const OFFICIAL_PREFIX = 'library/';
const DEFAULT_TAG = 'latest';

/** Registry, slash and repository; the length that clients agree on (distribution-spec v1.1.1 spec.md#pulling-manifests). */
const NAME_LIMIT_CHARACTERS = 255;
/** A name, a tag and a sha512 digest with their separators; longer text is not worth a look. */
const TEXT_LIMIT_CHARACTERS = 1024;

const HOST_LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const REGISTRY_PATTERN = new RegExp(`^(?:${HOST_LABEL}(?:\\.${HOST_LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const PATH_COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const REPOSITORY_PATTERN = new RegExp(`^${PATH_COMPONENT}(?:/${PATH_COMPONENT})*$`);
const TAG_PATTERN = /^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}$/;
const IMAGE_ID_PATTERN = /^[a-f0-9]{64}$/;
const SCHEME_PATTERN = /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\//;
/** `user:password@` before a host, which no message may repeat. */
const CREDENTIALS_PATTERN = /^([a-zA-Z][a-zA-Z0-9+.-]*:\/\/)?[^/]*@(?!sha(?:256|512):)/;
const BLANK_OR_CONTROL_PATTERN = /[\s\u0000-\u001f\u007f-\u009f]/;

/**
 * The image that `text` names, by docker's rules: `alpine` is `docker.io/library/alpine:latest`.
 *
 * A first path component is a registry when it has a dot, a colon or an upper-case letter, or is `localhost`. What
 * could be an image id (64 hexadecimal digits, alone or after `sha256:`) is no name, so that the two never get mixed up.
 *
 * @throws {WinchError} `REFERENCE_INVALID`; the message says which part is wrong.
 * @see distribution/reference v0.6.0 normalize.go
 */
export function parseReference(text: string): Reference {
  refuseWholesale(text);
  const [named, digestText] = cut(text, text.indexOf('@'));
  if (digestText !== undefined && !isDigest(digestText))
    refuse(text, 'what follows "@" is not a sha256 or sha512 digest');
  const [registry, path] = splitRegistry(named);
  const [repository, tag] = cut(path, path.indexOf(':', path.lastIndexOf('/')));
  refuseRegistry(text, registry);
  refuseRepository(text, repository);
  if (tag !== undefined) refuseTag(text, tag);
  if (registry.length + 1 + repository.length > NAME_LIMIT_CHARACTERS) {
    refuse(text, `its name is longer than ${NAME_LIMIT_CHARACTERS} characters`);
  }
  const digest = digestText ?? null;
  return {registry, repository, tag: tag ?? (digest === null ? DEFAULT_TAG : null), digest};
}

/** The whole name: `docker.io/library/alpine:latest`, `host/repository:tag@sha256:…`. {@link parseReference} reads it back. */
export const formatReference = (reference: Reference): string => `${repositoryName(reference)}${suffix(reference)}`;

/** The parts of what {@link formatReference} wrote, which is not checked again: of thousands of tags that takes 20 ms. */
export function splitReference(formatted: string): Reference {
  const [named, digest] = cut(formatted, formatted.indexOf('@'));
  const [registry, path = ''] = cut(named, named.indexOf('/'));
  const [repository, tag] = cut(path, path.lastIndexOf(':'));
  return {registry, repository, tag: tag ?? null, digest: digest === undefined ? null : (digest as Digest)};
}

/** The name as people write it: `alpine:latest`, `user/x:1`, `127.0.0.1:5000/debian:trixie`. */
export const familiarReference = (reference: Reference): string =>
  `${familiarRepository(reference)}${suffix(reference)}`;

/** Registry and repository, without tag and digest: `docker.io/library/alpine`. */
export const repositoryName = (reference: Reference): string => `${reference.registry}/${reference.repository}`;

/** Registry and repository as people write them: `alpine`. */
export function familiarRepository(reference: Reference): string {
  if (reference.registry !== DEFAULT_REGISTRY) return repositoryName(reference);
  const official = reference.repository.startsWith(OFFICIAL_PREFIX)
    ? reference.repository.slice(OFFICIAL_PREFIX.length)
    : reference.repository;
  return official.includes('/') ? reference.repository : official;
}

/**
 * The same repository with this tag and no digest.
 *
 * @throws {WinchError} `REFERENCE_INVALID`: not a tag.
 */
export function withTag(reference: Reference, tag: string): Reference {
  refuseTag(`${repositoryName(reference)}:${tag}`, tag);
  return {...reference, tag, digest: null};
}

/** The same name, tag included, held to this digest. */
export const withDigest = (reference: Reference, digest: Digest): Reference => ({...reference, digest});

const suffix = ({tag, digest}: Reference): string =>
  `${tag === null ? '' : `:${tag}`}${digest === null ? '' : `@${digest}`}`;

function refuseWholesale(text: string): void {
  if (text === '') refuse(text, 'it is empty');
  if (text.length > TEXT_LIMIT_CHARACTERS) refuse(text, `it is longer than ${TEXT_LIMIT_CHARACTERS} characters`);
  if (BLANK_OR_CONTROL_PATTERN.test(text)) refuse(text, 'it contains a blank or a control character');
  const scheme = SCHEME_PATTERN.exec(text)?.[0];
  if (scheme !== undefined) {
    refuse(text, `it starts with ${scheme}`, 'leave the scheme out; plain HTTP is a setting of the registry');
  }
  if (IMAGE_ID_PATTERN.test(text) || isDigest(text)) {
    refuse(text, 'it is an image id or a digest and names no repository', 'write repository@sha256:… for a digest');
  }
}

/** Splits before the separator at `at`, which belongs to neither part; -1 splits nothing. */
const cut = (text: string, at: number): readonly [head: string, tail: string | undefined] =>
  at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];

function splitRegistry(named: string): readonly [registry: string, path: string] {
  const [first, rest] = cut(named, named.indexOf('/'));
  const isRegistry = rest !== undefined && (/[.:A-Z]/.test(first) || first === 'localhost');
  const registry = !isRegistry || first === LEGACY_DEFAULT_REGISTRY ? DEFAULT_REGISTRY : first;
  const path = isRegistry ? rest : named;
  return [registry, registry === DEFAULT_REGISTRY && !path.includes('/') ? `${OFFICIAL_PREFIX}${path}` : path];
}

function refuseRegistry(text: string, registry: string): void {
  // The pattern lets by ports above 65535 and groups that are no IPv6 address.
  if (REGISTRY_PATTERN.test(registry) && URL.canParse(`https://${registry}`)) return;
  refuse(text, `${excerpt(registry)} is not a registry host with an optional port`);
}

function refuseRepository(text: string, repository: string): void {
  if (REPOSITORY_PATTERN.test(repository)) return;
  const name = repository.startsWith(OFFICIAL_PREFIX) ? repository.slice(OFFICIAL_PREFIX.length) : repository;
  if (name === '') refuse(text, 'it names no repository');
  if (REPOSITORY_PATTERN.test(name.toLowerCase())) {
    refuse(text, 'repository names are lower case', `write ${excerpt(text.replace(name, name.toLowerCase()))}`);
  }
  refuse(
    text,
    `${excerpt(name)} is not a repository name`,
    'each part of a path is lower-case letters and digits, joined by one dot, one or two underscores, or dashes',
  );
}

function refuseTag(text: string, tag: string): void {
  if (TAG_PATTERN.test(tag)) return;
  refuse(
    text,
    tag === '' ? 'its tag is empty' : `${excerpt(tag)} is not a tag`,
    'a tag is up to 128 letters, digits, underscores, dots and dashes and starts with no dot or dash',
  );
}

function refuse(text: string, reason: string, hint = 'write [registry/]repository[:tag][@digest]'): never {
  const shown = excerpt(text.replace(CREDENTIALS_PATTERN, '$1…@'));
  throw new WinchError('REFERENCE_INVALID', `${shown} is not an image reference: ${reason}`, {kind: 'invalid', hint});
}
