import semver from 'semver';
import {WinchError} from '../../errors.ts';
import {excerpt} from '../../oci/excerpt.ts';

export interface TagPatterns {
  /** What one of these matches is kept; absent or empty: everything. */
  readonly include?: readonly string[] | undefined;
  /** What one of these matches is dropped, even if included. */
  readonly exclude?: readonly string[] | undefined;
}

type TagQuestion = (tag: string) => boolean;

const RANGE_PREFIX = 'semver:';
const PATTERN_LIMIT_CHARACTERS = 256;
/** As tags have versions: with or without a `v`, parts missing, `_` for the `+` that a tag cannot hold (Helm). */
const VERSION_PATTERN = /^v?(\d{1,15})(?:\.(\d{1,15}))?(?:\.(\d{1,15}))?(-[0-9A-Za-z.-]+)?(?:_[0-9A-Za-z._-]+)?$/;

/**
 * A filter of tags, which keeps their order.
 *
 * A pattern is a glob, in which `*` stands for any text and `?` for one character, or `semver:RANGE` (`semver:>=1.2 <2`,
 * `semver:^20`). A range matches tags that are versions, with or without a `v`, where missing parts count as zero; a tag
 * with a suffix (`1.2-alpine`) is a prerelease, which a range holds only when it names one itself.
 *
 * @throws {WinchError} `TAG_PATTERN_INVALID`
 */
export function compileTagPatterns({include = [], exclude = []}: TagPatterns) {
  const included = include.map(compilePattern);
  const excluded = exclude.map(compilePattern);
  const isKept: TagQuestion = (tag) =>
    (included.length === 0 || included.some((matches) => matches(tag))) && !excluded.some((matches) => matches(tag));
  return (tags: readonly string[]): readonly string[] => tags.filter(isKept);
}

/** Tags in the order of their versions, oldest first; those that are no versions come before, by name. */
export function sortByVersion(tags: readonly string[]): readonly string[] {
  return tags
    .map((tag) => ({tag, version: readVersion(tag)}))
    .sort((a, b) => compareVersions(a.version, b.version) || (a.tag < b.tag ? -1 : 1))
    .map(({tag}) => tag);
}

function compilePattern(pattern: string): TagQuestion {
  if (pattern === '' || pattern.length > PATTERN_LIMIT_CHARACTERS) throw patternInvalid(pattern, 'no pattern');
  if (!pattern.startsWith(RANGE_PREFIX)) return (tag) => matchesGlob(tag, pattern);
  const range = readRange(pattern);
  return (tag) => {
    const version = readVersion(tag);
    return version !== null && range.test(version);
  };
}

function readRange(pattern: string): semver.Range {
  try {
    return new semver.Range(pattern.slice(RANGE_PREFIX.length));
  } catch (error) {
    if (error instanceof TypeError) throw patternInvalid(pattern, 'no range of versions');
    throw error;
  }
}

function readVersion(tag: string): semver.SemVer | null {
  const [match, major, minor = '0', patch = '0', prerelease = ''] = VERSION_PATTERN.exec(tag) ?? [];
  if (match === undefined) return null;
  return semver.parse(`${[major, minor, patch].map(Number).join('.')}${prerelease}`);
}

function compareVersions(a: semver.SemVer | null, b: semver.SemVer | null): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  return a.compare(b);
}

/** By going back to the last `*` alone, so that no pattern takes more than its length times the tag's. */
function matchesGlob(tag: string, pattern: string): boolean {
  let [at, next, star, resumeAt] = [0, 0, -1, 0];
  while (at < tag.length) {
    if (pattern[next] === '*') {
      star = next++;
      resumeAt = at;
    } else if (next < pattern.length && (pattern[next] === '?' || pattern[next] === tag[at])) {
      at++;
      next++;
    } else if (star !== -1) {
      next = star + 1;
      at = ++resumeAt;
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(next));
}

const patternInvalid = (pattern: string, fault: string): WinchError =>
  new WinchError('TAG_PATTERN_INVALID', `${excerpt(pattern)} is ${fault}`, {
    kind: 'invalid',
    hint: 'write a glob such as 1.*-alpine, or semver: and a range such as semver:>=1.2 <2',
  });
