import * as assert from 'uvu/assert';

import {isWinchError} from '../../src/errors.ts';
import {parseDescriptor} from '../../src/oci/descriptor.ts';
import {OCI_LAYER_GZIP} from '../../src/oci/media-types.ts';
import {describe} from '../helpers/suite.ts';

const HEX = 'ab'.repeat(32);
const plain = {mediaType: OCI_LAYER_GZIP, digest: `sha256:${HEX}`, size: 7};

const refused: readonly (readonly [title: string, value: unknown, code: string])[] = [
  ['null', null, 'MANIFEST_INVALID'],
  ['a list', [plain], 'MANIFEST_INVALID'],
  ['a string', 'sha256', 'MANIFEST_INVALID'],
  ['a negative size', {...plain, size: -1}, 'SIZE_INVALID'],
  ['a broken size', {...plain, size: 1.5}, 'SIZE_INVALID'],
  ['a size in quotes', {...plain, size: '12'}, 'SIZE_INVALID'],
  ['a size beyond 2^53', {...plain, size: JSON.parse('9007199254740993')}, 'SIZE_INVALID'],
  ['an endless size', {...plain, size: JSON.parse('1e400')}, 'SIZE_INVALID'],
  ['no size', {mediaType: plain.mediaType, digest: plain.digest}, 'SIZE_INVALID'],
  ['a digest that is a path', {...plain, digest: 'sha256:../../x'}, 'DIGEST_INVALID'],
  ['a list as a digest', {...plain, digest: [plain.digest]}, 'DIGEST_INVALID'],
  ['no digest', {mediaType: plain.mediaType, size: 1}, 'DIGEST_INVALID'],
  ['no media type', {digest: plain.digest, size: 1}, 'MANIFEST_INVALID'],
  ['an empty media type', {...plain, mediaType: ''}, 'MANIFEST_INVALID'],
  ['a line break in the media type', {...plain, mediaType: 'a/b\r\nX: y'}, 'MANIFEST_INVALID'],
  ['a second size in another case', {...plain, Size: 1}, 'MANIFEST_AMBIGUOUS'],
  ['a second os in another case', {...plain, platform: {os: 'linux', OS: 'windows'}}, 'MANIFEST_AMBIGUOUS'],
  ['a number as an annotation', {...plain, annotations: {a: 1}}, 'MANIFEST_INVALID'],
  ['a list of annotations', {...plain, annotations: ['a']}, 'MANIFEST_INVALID'],
  ['a URL that is no string', {...plain, urls: [null]}, 'MANIFEST_INVALID'],
  ['a platform that is a string', {...plain, platform: 'linux/amd64'}, 'MANIFEST_INVALID'],
  ['a number as an architecture', {...plain, platform: {os: 'linux', architecture: 386}}, 'MANIFEST_INVALID'],
];

describe('oci/descriptor', ({test}) => {
  for (const [title, value, code] of refused) {
    test(`refuses ${title}`, () => {
      assert.throws(
        () => parseDescriptor(value, 'manifest of x: layers[2]'),
        (error: unknown) =>
          isWinchError(error, code) &&
          error.kind === 'refused' &&
          error.message.startsWith('manifest of x: layers[2]') &&
          error.hint !== undefined,
      );
    });
  }

  test('reads the required members and leaves the others absent', () => {
    assert.equal(parseDescriptor(plain, 'x'), plain);
    assert.equal(Object.keys(parseDescriptor(plain, 'x')), ['mediaType', 'digest', 'size']);
  });

  test('reads an empty blob and the largest size', () => {
    assert.is(parseDescriptor({...plain, size: 0}, 'x').size, 0);
    assert.is(parseDescriptor({...plain, size: Number.MAX_SAFE_INTEGER}, 'x').size, Number.MAX_SAFE_INTEGER);
  });

  test('reads every optional member', () => {
    const full = {
      ...plain,
      urls: ['https://example.com/blob'],
      annotations: {'org.opencontainers.image.ref.name': 'a', empty: ''},
      platform: {os: 'windows', architecture: 'amd64', variant: 'v2', 'os.version': '10.0', 'os.features': ['win32k']},
      data: 'e30=',
      artifactType: 'application/vnd.example',
    };
    assert.equal(parseDescriptor(full, 'x'), full);
  });

  test('drops members that no spec knows', () => {
    assert.equal(parseDescriptor({...plain, 'x-size': 1}, 'x'), plain);
  });

  test('takes null and empty names for absent', () => {
    const written = {...plain, urls: null, annotations: null, platform: {os: '', architecture: ''}, artifactType: ''};
    assert.equal(parseDescriptor(written, 'x'), plain);
  });
});
