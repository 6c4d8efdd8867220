import {WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';
import {familiarReference, parseReference, type Reference} from '../oci/reference.ts';

export type ArchiveKind = 'oci' | 'oci-archive' | 'docker-archive';

/** Which of several images of a directory or an archive is meant. */
export type Selection =
  | {readonly by: 'name'; readonly name: string}
  /** The place in its list, from 0. */
  | {readonly by: 'position'; readonly position: number};

/** Where an image is or goes. */
export type Location =
  | {readonly kind: 'registry'; readonly reference: Reference}
  | {readonly kind: ArchiveKind; readonly path: string; readonly selection: Selection | null}
  | {readonly kind: 'store'; readonly name: string};

const SCHEMES = ['docker', 'oci', 'oci-archive', 'docker-archive', 'store'] as const;
type Scheme = (typeof SCHEMES)[number];

/** Places that other tools know. */
const FOREIGN_SCHEMES: readonly string[] = [
  ...['dir', 'containers-storage', 'docker-daemon', 'ostree', 'sif', 'atomic', 'tarball'],
  ...['ocidir', 'oci-dir', 'docker-dir', 'oci-layout'],
];
const NEAREST: Readonly<Record<string, Scheme>> = {
  ...{ocidir: 'oci', 'oci-dir': 'oci', 'oci-layout': 'oci', 'oci-tar': 'oci-archive', 'oci-archives': 'oci-archive'},
  ...{
    'docker-archives': 'docker-archive',
    'docker-tar': 'docker-archive',
    archive: 'oci-archive',
    ociarchive: 'oci-archive',
  },
  ...{
    dockerarchive: 'docker-archive',
    'containers-storage': 'store',
    registry: 'docker',
    http: 'docker',
    https: 'docker',
  },
};

const SCHEME_PATTERN = /^([a-zA-Z][a-zA-Z0-9+-]*):(.*)$/s;
/** What follows a scheme that nobody knows is a path and no tag. */
const PATH_PATTERN = /^(?:\.{0,2}\/|~)/;
/** image-spec v1.1.1 annotations.md#pre-defined-annotation-keys (org.opencontainers.image.ref.name) */
const NAME_PATTERN = /^[A-Za-z0-9]+(?:[-._:@/+]+[A-Za-z0-9]+)*$/;
const NAME_LIMIT_CHARACTERS = 1024;
const POSITION_PATTERN = /^@(\d{1,5})$/;

const HINT =
  'write [docker://]IMAGE, oci:DIRECTORY[:NAME], oci-archive:FILE[:NAME], docker-archive:FILE[:IMAGE] or store:IMAGE';

/**
 * The place that `text` names: `docker://REF` or `REF` at its registry, `oci:DIRECTORY[:NAME]`,
 * `oci-archive:FILE[:NAME]`, `docker-archive:FILE[:IMAGE]`, `store:REF`.
 *
 * Paths hold no colon, as skopeo has it; `@N` in place of a name is the place in the list. A known scheme always wins: an
 * image of that name is written `docker://oci:latest`.
 *
 * @throws {WinchError} `LOCATION_INVALID` | `LOCATION_UNSUPPORTED` | `REFERENCE_INVALID`
 */
export function parseLocation(text: string): Location {
  const [, scheme, rest = ''] = SCHEME_PATTERN.exec(text) ?? [];
  if (scheme === undefined) return {kind: 'registry', reference: parseReference(text)};
  if (isScheme(scheme)) return parseKnown(text, scheme, rest);
  if (FOREIGN_SCHEMES.includes(scheme)) throw unsupported(text, scheme);
  if (PATH_PATTERN.test(rest)) throw unknownScheme(text, scheme);
  return {kind: 'registry', reference: parseReference(text)};
}

/** As {@link parseLocation} reads it; registries as people write them, with the scheme. */
export function formatLocation(location: Location): string {
  if (location.kind === 'registry') return `docker://${familiarReference(location.reference)}`;
  if (location.kind === 'store') return `store:${location.name}`;
  const {kind, path, selection} = location;
  return `${kind}:${path}${selection === null ? '' : `:${formatSelection(selection)}`}`;
}

export const formatSelection = (selection: Selection): string =>
  selection.by === 'name' ? selection.name : `@${selection.position}`;

const isScheme = (scheme: string): scheme is Scheme => SCHEMES.some((known) => known === scheme);

function parseKnown(text: string, scheme: Scheme, rest: string): Location {
  if (scheme === 'docker') {
    if (!rest.startsWith('//')) throw invalid(text, 'docker: is followed by two slashes', `write docker://${rest}`);
    return {kind: 'registry', reference: parseReference(rest.slice(2))};
  }
  if (scheme === 'store') {
    if (rest === '') throw invalid(text, 'it names no image');
    return {kind: 'store', name: rest};
  }
  const colon = rest.indexOf(':');
  const path = colon === -1 ? rest : rest.slice(0, colon);
  if (path === '') throw invalid(text, 'it names no path');
  if (path.includes('\0')) throw invalid(text, 'its path holds a NUL byte');
  return {kind: scheme, path, selection: colon === -1 ? null : parseSelection(text, scheme, rest.slice(colon + 1))};
}

function parseSelection(text: string, kind: ArchiveKind, name: string): Selection {
  const position = POSITION_PATTERN.exec(name)?.[1];
  if (position !== undefined) return {by: 'position', position: Number(position)};
  if (kind === 'docker-archive') return {by: 'name', name: familiarReference(parseReference(name))};
  if (name === '') throw invalid(text, 'a colon is followed by a name');
  if (name.length <= NAME_LIMIT_CHARACTERS && NAME_PATTERN.test(name)) return {by: 'name', name};
  throw invalid(
    text,
    `${excerpt(name)} is no name of an image`,
    'paths hold no colon; a name is letters and digits, joined by - . _ : @ / +',
  );
}

const invalid = (text: string, fault: string, hint = HINT): WinchError =>
  new WinchError('LOCATION_INVALID', `${excerpt(text)} is no place of an image: ${fault}`, {kind: 'invalid', hint});

const unsupported = (text: string, scheme: string): WinchError =>
  new WinchError('LOCATION_UNSUPPORTED', `${excerpt(text)}: winch does not read or write ${scheme}:`, {
    kind: 'invalid',
    hint: `${suggestion(scheme)}; an image of that name is written docker://${scheme}:TAG`,
  });

const unknownScheme = (text: string, scheme: string): WinchError =>
  invalid(text, `there is no ${scheme}:`, suggestion(scheme));

const suggestion = (scheme: string): string =>
  Object.hasOwn(NEAREST, scheme) ? `did you mean ${NEAREST[scheme]}:?` : (nearest(scheme) ?? HINT);

function nearest(scheme: string): string | undefined {
  const [best] = SCHEMES.map((known) => ({known, distance: letterDistance(known, scheme)})).toSorted(
    (a, b) => a.distance - b.distance,
  );
  return best && best.distance <= 2 ? `did you mean ${best.known}:?` : undefined;
}

/** How many letters only one of the two has; what differs much in length is far. */
function letterDistance(known: string, given: string): number {
  if (Math.abs(known.length - given.length) > 2 || known.length < 4) return Number.POSITIVE_INFINITY;
  const missing = [...known].filter((letter) => !given.includes(letter)).length;
  return missing + [...given].filter((letter) => !known.includes(letter)).length;
}
