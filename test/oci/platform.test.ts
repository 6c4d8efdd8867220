import * as assert from 'uvu/assert';

import {isWinchError} from '../../src/errors.ts';
import type {Descriptor} from '../../src/oci/descriptor.ts';
import {digestOf} from '../../src/oci/digest.ts';
import type {ImageIndex} from '../../src/oci/image-index.ts';
import {OCI_INDEX, OCI_MANIFEST} from '../../src/oci/media-types.ts';
import {
  formatPlatform,
  hostPlatform,
  normalizePlatform,
  parsePlatform,
  platformsOf,
  selectPlatform,
} from '../../src/oci/platform.ts';
import {describe} from '../helpers/suite.ts';

const entry = (text: string | null, annotations?: Record<string, string>): Descriptor => {
  const [os = '', architecture = '', variant] = text?.split('/') ?? [];
  return {
    mediaType: OCI_MANIFEST,
    digest: digestOf(Buffer.from(`${text} ${JSON.stringify(annotations)}`)),
    size: 1,
    ...(text === null ? {} : {platform: {os, architecture, ...(variant ? {variant} : {})}}),
    ...(annotations ? {annotations} : {}),
  };
};

const indexOf = (...manifests: readonly Descriptor[]): ImageIndex => ({
  kind: 'index',
  mediaType: OCI_INDEX,
  manifests,
  annotations: {},
});

/** The platform of the entry that is taken, `none` for one without, null when there is no match. */
const select = (offered: readonly (string | null)[], wanted: string): string | null => {
  const match = selectPlatform(indexOf(...offered.map((text) => entry(text))), parsePlatform(wanted));
  if (match === null) return null;
  return match.platform ? formatPlatform(match.platform) : 'none';
};

describe('oci/platform', ({test}) => {
  for (const text of [
    '',
    'linux',
    '/amd64',
    'linux/',
    'linux/amd64/v2/x',
    'linux/amd64/',
    'li nux/amd64',
    'a/b\u001b',
  ]) {
    test(`refuses ${JSON.stringify(text)} as a platform`, () => {
      assert.throws(
        () => parsePlatform(text),
        (error: unknown) => isWinchError(error, 'PLATFORM_INVALID') && error.kind === 'invalid',
      );
    });
  }

  for (const [written, normalised] of [
    ['linux/amd64', 'linux/amd64'],
    ['Linux/x86_64', 'linux/amd64'],
    ['linux/amd64/v1', 'linux/amd64'],
    ['linux/amd64/v3', 'linux/amd64/v3'],
    ['linux/arm64', 'linux/arm64/v8'],
    ['linux/aarch64', 'linux/arm64/v8'],
    ['linux/arm64/8', 'linux/arm64/v8'],
    ['linux/arm', 'linux/arm/v7'],
    ['linux/arm/6', 'linux/arm/v6'],
    ['linux/armhf', 'linux/arm/v7'],
    ['linux/armel', 'linux/arm/v6'],
    ['linux/i386', 'linux/386'],
    ['linux/riscv64', 'linux/riscv64'],
  ] as const) {
    test(`reads ${written} as ${normalised}`, () => assert.is(formatPlatform(parsePlatform(written)), normalised));
  }

  test('names the machine as Go does', () => {
    const names = ['x64', 'arm64', 'ia32', 'ppc64', 's390x', 'riscv64', 'loong64'].map((arch) =>
      formatPlatform(hostPlatform({arch})),
    );
    assert.equal(names, [
      'linux/amd64',
      'linux/arm64/v8',
      'linux/386',
      'linux/ppc64le',
      'linux/s390x',
      'linux/riscv64',
      'linux/loong64',
    ]);
    assert.is(formatPlatform(hostPlatform({arch: 'arm', armVersion: '6'})), 'linux/arm/v6');
    assert.is(formatPlatform(hostPlatform({arch: 'arm'})), 'linux/arm/v7');
  });

  test('keeps the version of the operating system', () => {
    const platform = {os: 'Windows', architecture: 'x86_64', 'os.version': '10.0.17763'};
    assert.equal(normalizePlatform(platform), {os: 'windows', architecture: 'amd64', 'os.version': '10.0.17763'});
  });

  for (const [title, offered, wanted, taken] of [
    ['takes the exact platform', ['linux/arm64/v8', 'linux/amd64'], 'linux/amd64', 'linux/amd64'],
    ['takes no other operating system', ['windows/amd64'], 'linux/amd64', null],
    ['takes no other architecture', ['linux/386', 'linux/arm/v7'], 'linux/amd64', null],
    ['takes no 32-bit arm for arm64', ['linux/arm/v7'], 'linux/arm64', null],
    ['takes no variant above the wanted one', ['linux/amd64/v2'], 'linux/amd64', null],
    ['prefers the higher of two lower variants', ['linux/amd64', 'linux/amd64/v2'], 'linux/amd64/v3', 'linux/amd64/v2'],
    ['falls back to the base of amd64', ['linux/amd64'], 'linux/amd64/v4', 'linux/amd64'],
    ['goes down from arm v7', ['linux/arm/v5', 'linux/arm/v6'], 'linux/arm/v7', 'linux/arm/v6'],
    ['goes down no further than arm v5', ['linux/arm/v4'], 'linux/arm/v7', null],
    ['takes arm v5 for itself', ['linux/arm/v5'], 'linux/arm/v5', 'linux/arm/v5'],
    ['takes arm without a variant for v7', ['linux/arm'], 'linux/arm/v7', 'linux/arm'],
    ['takes arm64 with and without v8', ['linux/arm64'], 'linux/arm64/v8', 'linux/arm64'],
    ['goes down from arm64 v8.2', ['linux/arm64/v8', 'linux/arm64/v8.1'], 'linux/arm64/v8.2', 'linux/arm64/v8.1'],
    ['goes from arm64 v9 to v8.5', ['linux/arm64/v8.6', 'linux/arm64/v8.5'], 'linux/arm64/v9', 'linux/arm64/v8.5'],
    ['goes from arm64 v9.1 to v9', ['linux/arm64/v8', 'linux/arm64/v9'], 'linux/arm64/v9.1', 'linux/arm64/v9'],
    ['compares unknown variants literally', ['linux/mips64/r6'], 'linux/mips64/r6', 'linux/mips64/r6'],
    ['normalises what an index says', ['linux/x86_64'], 'linux/amd64', 'linux/x86_64'],
    ['never takes an attestation', ['unknown/unknown'], 'linux/amd64', null],
    ['takes an entry without a platform last', [null, 'linux/amd64'], 'linux/amd64', 'linux/amd64'],
    ['takes an entry without a platform when nothing fits', ['linux/s390x', null], 'linux/amd64', 'none'],
    ['takes nothing from an empty index', [], 'linux/amd64', null],
  ] as const) {
    test(title, () => assert.is(select(offered, wanted), taken));
  }

  test('takes the first of two equal entries', () => {
    const first = entry('linux/amd64', {n: '1'});
    const index = indexOf(first, entry('linux/amd64', {n: '2'}));
    assert.is(selectPlatform(index, parsePlatform('linux/amd64')), first);
  });

  test('skips attestations that claim a platform or none', () => {
    const annotations = {'vnd.docker.reference.type': 'attestation-manifest'};
    const index = indexOf(entry('linux/amd64', annotations), entry(null, annotations));
    assert.is(selectPlatform(index, parsePlatform('linux/amd64')), null);
    assert.equal(platformsOf(index), []);
  });

  test('lists what an index offers once, in its order', () => {
    const offered = ['linux/arm64', 'linux/amd64', 'unknown/unknown', null, 'linux/arm64/v8', 'linux/arm/v6'];
    assert.equal(platformsOf(indexOf(...offered.map((text) => entry(text)))), [
      'linux/arm64/v8',
      'linux/amd64',
      'linux/arm/v6',
    ]);
  });
});
