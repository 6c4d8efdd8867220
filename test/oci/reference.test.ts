import * as assert from 'uvu/assert';

import {isWinchError, type WinchError} from '../../src/errors.ts';
import {parseDigest} from '../../src/oci/digest.ts';
import {
  familiarReference,
  familiarRepository,
  formatReference,
  parseReference,
  repositoryName,
  withDigest,
  withTag,
} from '../../src/oci/reference.ts';
import {describe} from '../helpers/suite.ts';

const HEX = '1a3f5e7d9c1b3a5f7e9d1c3b5a7f9e1d3c5b7a9f1e3d5d7c9b1a3f5e7d9c1b3a';
const SHA256 = parseDigest(`sha256:${HEX}`);
const SHA512 = parseDigest(`sha512:${HEX}${HEX}`);

/** Written, canonical, familiar; the names of distribution's and docker's own tables. */
const accepted: readonly (readonly [written: string, canonical: string, familiar: string])[] = [
  ['alpine', 'docker.io/library/alpine:latest', 'alpine:latest'],
  ['alpine:3.20', 'docker.io/library/alpine:3.20', 'alpine:3.20'],
  ['docker.io/foo', 'docker.io/library/foo:latest', 'foo:latest'],
  ['docker.io/library/foo', 'docker.io/library/foo:latest', 'foo:latest'],
  ['library/foo', 'docker.io/library/foo:latest', 'foo:latest'],
  ['index.docker.io/foo', 'docker.io/library/foo:latest', 'foo:latest'],
  ['index.docker.io/fooo/bar', 'docker.io/fooo/bar:latest', 'fooo/bar:latest'],
  ['library/foo/bar', 'docker.io/library/foo/bar:latest', 'library/foo/bar:latest'],
  ['store/foo/bar', 'docker.io/store/foo/bar:latest', 'store/foo/bar:latest'],
  ['other/library', 'docker.io/other/library:latest', 'other/library:latest'],
  ['d/docker', 'docker.io/d/docker:latest', 'd/docker:latest'],
  ['test_com/foo', 'docker.io/test_com/foo:latest', 'test_com/foo:latest'],
  ['docker---rules/docker', 'docker.io/docker---rules/docker:latest', 'docker---rules/docker:latest'],
  ['dock__er/docker', 'docker.io/dock__er/docker:latest', 'dock__er/docker:latest'],
  ['test.com:5000', 'docker.io/library/test.com:5000', 'test.com:5000'],
  ['192.168.0.1:80', 'docker.io/library/192.168.0.1:80', '192.168.0.1:80'],
  ['lowercase:Uppercase', 'docker.io/library/lowercase:Uppercase', 'lowercase:Uppercase'],
  ['localhost/x', 'localhost/x:latest', 'localhost/x:latest'],
  ['127.0.0.1:5000/debian:trixie', '127.0.0.1:5000/debian:trixie', '127.0.0.1:5000/debian:trixie'],
  ['test:5000/repo', 'test:5000/repo:latest', 'test:5000/repo:latest'],
  ['192.168.1.1:5000/repo:5050', '192.168.1.1:5000/repo:5050', '192.168.1.1:5000/repo:5050'],
  ['xn--n3h.com/myimage:xn--n3h.com', 'xn--n3h.com/myimage:xn--n3h.com', 'xn--n3h.com/myimage:xn--n3h.com'],
  ['[2001:db8::1]/repo', '[2001:db8::1]/repo:latest', '[2001:db8::1]/repo:latest'],
  ['[::1]:5000/repo:tag', '[::1]:5000/repo:tag', '[::1]:5000/repo:tag'],
  ['Foo/bar', 'Foo/bar:latest', 'Foo/bar:latest'],
  [`docker.io/${HEX}`, `docker.io/library/${HEX}:latest`, `${HEX}:latest`],
  [`app:${HEX}`, `docker.io/library/app:${HEX}`, `app:${HEX}`],
  [HEX.slice(1), `docker.io/library/${HEX.slice(1)}:latest`, `${HEX.slice(1)}:latest`],
  [`redis@${SHA256}`, `docker.io/library/redis@${SHA256}`, `redis@${SHA256}`],
  [`redis:7@${SHA256}`, `docker.io/library/redis:7@${SHA256}`, `redis:7@${SHA256}`],
  [`test:5000/repo:tag@${SHA512}`, `test:5000/repo:tag@${SHA512}`, `test:5000/repo:tag@${SHA512}`],
];

const refused: readonly (readonly [title: string, text: string, message: RegExp])[] = [
  ['an empty reference', '', /is empty/],
  ['a tag alone', ':justtag', /names no repository/],
  ['a digest alone behind an @', `@${SHA256}`, /names no repository/],
  ['an image id', HEX, /image id or a digest/],
  ['a digest alone', SHA256, /image id or a digest/],
  ['a short digest', `repo@sha256:${HEX.slice(30)}`, /what follows "@"/],
  ['a digest that is a path', 'repo@sha256:../../x', /^"repo@sha256:\.\.\/\.\.\/x" .*what follows "@"/],
  ['an unknown digest algorithm', `repo@md5:${HEX}`, /what follows "@"/],
  ['two digests', `repo@${SHA256}@${SHA256}`, /what follows "@"/],
  ['an upper-case name', 'Uppercase:tag', /lower case/],
  ['an upper-case path', 'test:5000/Uppercase/lowercase:tag', /lower case/],
  ['an empty path component', 'docker///docker', /"docker\/\/\/docker" is not a repository name/],
  ['a slash at the end', 'docker/', /not a repository name/],
  ['a slash at the start', '/docker', /not a repository name/],
  ['dots as a path', 'example.com/../../etc', /not a repository name/],
  ['a registry without repository', 'example.com/', /names no repository/],
  ['a dash at the start', '-docker', /not a repository name/],
  ['a dash at the end of a component', 'docker-/docker', /not a repository name/],
  ['underscores only', '____/____', /not a repository name/],
  ['three underscores', 'a___b', /not a repository name/],
  ['two dots', 'x/dock..er', /not a repository name/],
  ['mixed separators', 'x/dock_.er', /not a repository name/],
  ['odd characters', 'aa/asdf$$^/aa', /not a repository name/],
  ['letters outside ASCII', 'café', /not a repository name/],
  ['a registry that starts with a dash', '-docker.io/docker/docker', /not a registry host/],
  ['a port above 65535', 'example.com:65536/x', /not a registry host/],
  ['an empty port', 'example.com:/x', /not a registry host/],
  ['an address without brackets', 'fc00::1:5000/debian', /not a registry host/],
  ['an address with a zone', '[fe80::1%eth0]:5000/debian', /not a registry host/],
  ['an address with an IPv4 part', '[2001:db8:3:4::192.0.2.33]:5000/debian', /not a registry host/],
  ['an address of colons', '[::::]/debian', /not a registry host/],
  ['an address alone', '[2001:db8::1]:5000', /not a repository name|not a tag/],
  ['an empty tag', 'alpine:', /tag is empty/],
  ['a tag that starts with a dot', 'alpine:.x', /"\.x" is not a tag/],
  ['a tag of 129 characters', `alpine:${'t'.repeat(129)}`, /is not a tag/],
  ['two tags', 'alpine:a:b', /"a:b" is not a tag/],
  ['a scheme', 'https://example.com/x', /starts with https:\/\//],
  ['a name of 256 characters', `example.com/${'a'.repeat(244)}`, /longer than 255/],
  ['a megabyte', 'a'.repeat(1_000_000), /longer than 1024/],
  ['a terminal escape in the tag', 'alpine:\r\u001b[2K', /control character/],
  ['a newline at the end', 'alpine\n', /control character/],
  ['a blank', 'alpine 3', /blank/],
];

const errorOf = (text: string): WinchError => {
  try {
    parseReference(text);
  } catch (error) {
    if (isWinchError(error)) return error;
    throw error;
  }
  throw new Error(`${text} was accepted`);
};

describe('oci/reference', ({test}) => {
  for (const [title, text, message] of refused) {
    test(`refuses ${title}`, () => {
      const error = errorOf(text);
      assert.is(error.code, 'REFERENCE_INVALID');
      assert.is(error.kind, 'invalid');
      assert.match(error.message, message);
      assert.ok(error.message.length < 500);
      assert.ok(error.hint);
    });
  }

  for (const [written, canonical, familiar] of accepted) {
    test(`reads ${written}`, () => {
      const reference = parseReference(written);
      assert.is(formatReference(reference), canonical);
      assert.is(familiarReference(reference), familiar);
      assert.equal(parseReference(canonical), reference);
      assert.equal(parseReference(familiar), reference);
    });
  }

  test('accepts a name of 255 characters with a tag on top', () => {
    const reference = parseReference(`example.com/${'a/'.repeat(121)}a:tag-puts-this-over-the-limit`);
    assert.is(repositoryName(reference).length, 255);
  });

  test('offers the lower-case name', () => {
    assert.is(errorOf('Alpine:V1').hint, 'write "alpine:V1"');
    assert.is(errorOf('ghcr.io/Owner/App').hint, 'write "ghcr.io/owner/app"');
  });

  test('never repeats credentials written before a host', () => {
    for (const text of [
      'https://user:secret@host/x',
      'https://user:secret@host',
      'user:secret@host.example/x:1',
      'user:secret@host',
    ]) {
      const {message, hint} = errorOf(text);
      assert.not.match(`${message} ${hint}`, /secret/);
      assert.match(message, /…@host/);
    }
  });

  test('has no default tag beside a digest', () => {
    assert.is(parseReference(`redis@${SHA256}`).tag, null);
    assert.is(parseReference('redis').digest, null);
  });

  test('names the repository without tag and digest', () => {
    const reference = parseReference(`redis:7@${SHA256}`);
    assert.is(repositoryName(reference), 'docker.io/library/redis');
    assert.is(familiarRepository(reference), 'redis');
  });

  test('replaces tag or digest without touching the original', () => {
    const reference = parseReference(`redis:7@${SHA256}`);
    assert.is(formatReference(withTag(reference, '8')), 'docker.io/library/redis:8');
    assert.is(formatReference(withDigest(reference, SHA512)), `docker.io/library/redis:7@${SHA512}`);
    assert.is(reference.tag, '7');
    assert.throws(
      () => withTag(reference, '-x'),
      (error: unknown) => isWinchError(error, 'REFERENCE_INVALID'),
    );
  });

  test('takes no longer for a name built to make a pattern backtrack', () => {
    const started = process.cpuUsage();
    errorOf(`${'a-'.repeat(500)}!`);
    errorOf(`${'a'.repeat(500)}.${'b-'.repeat(200)}!/x`);
    assert.ok(process.cpuUsage(started).user < 50_000);
  });
});
