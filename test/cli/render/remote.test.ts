import * as assert from 'uvu/assert';
import {renderReferrers} from '../../../src/cli/render/referrers.ts';
import {renderRemoteImage} from '../../../src/cli/render/remote-image.ts';
import type {RemoteImage} from '../../../src/images/remote/inspect-remote.ts';
import type {RemoteReferrer} from '../../../src/images/remote/list-referrers.ts';
import type {Digest} from '../../../src/oci/digest.ts';
import {describe} from '../../helpers/suite.ts';
import {NOW} from '../samples.ts';

const digest = (digit: string): Digest => `sha256:${digit.repeat(64)}`;
const HOSTILE = 'x\x1b[2J\n\u202e';
const SAFE = 'x\\x1b[2J\\x0a\\u{202e}';

const referrer = (digit: string, referrers: RemoteReferrer['referrers'] = null): RemoteReferrer => ({
  digest: digest(digit),
  mediaType: 'm/t',
  size: 1500,
  artifactType: digit === '3' ? null : `type/${digit}`,
  annotations: digit === '1' ? {a: 'b', c: 'd'} : {},
  referrers,
});

describe('cli/render: referrers', ({test}) => {
  const list = {reference: 'app', subject: digest('0'), source: 'api'} as const;

  test('draws what refers to referrers below them', () => {
    const referrers = [referrer('1', [referrer('2', []), referrer('3', [])]), referrer('4', [])];
    assert.is(
      renderReferrers({...list, referrers}, '{{.Type}} {{.Size}} {{.Annotations}}'),
      ['type/1 1.5kB a=b,c=d', '├─ type/2 1.5kB ', '└─ m/t 1.5kB ', 'type/4 1.5kB '].join('\n'),
    );
  });

  test('N01 annotations and types are escaped', () => {
    const hostile = {...referrer('1'), artifactType: HOSTILE, annotations: {[HOSTILE]: HOSTILE}};
    const text = renderReferrers({...list, referrers: [hostile]}, undefined);
    assert.is(text.split('\n').length, 2);
    assert.ok(text.includes(`${SAFE}=${SAFE}`));
  });
});

describe('cli/render: remote image', ({test}) => {
  const image: RemoteImage = {
    reference: 'app:1',
    digest: digest('1'),
    mediaType: 'index/type',
    size: 10,
    annotations: {},
    platforms: [
      {platform: 'linux/amd64', digest: digest('2'), mediaType: 'm/t', totalBytes: 3_400_000},
      {platform: 'linux/arm64/v8', digest: digest('3'), mediaType: 'm/t', totalBytes: null},
    ],
    images: [
      {
        digest: digest('2'),
        mediaType: 'm/t',
        artifactType: null,
        platform: 'linux/amd64',
        totalBytes: 3_400_000,
        config: {digest: digest('4'), mediaType: 'c/t', size: 5},
        layers: [{digest: digest('5'), mediaType: 'l/t', size: 3_000_000}],
        created: '2026-01-01T00:00:00Z',
        author: null,
        entrypoint: ['/bin/app'],
        command: [],
        environment: ['A=b'],
        labels: {[HOSTILE]: HOSTILE},
        workingDirectory: '/srv',
        user: null,
        exposedPorts: ['80/tcp'],
        volumes: [],
        annotations: {},
      },
    ],
    tags: ['1', HOSTILE],
  };

  test('shows the name, the platforms, the image, its layers and the tags', () => {
    assert.is(
      renderRemoteImage(image, NOW),
      [
        'Name: app:1',
        `Digest: ${digest('1')}`,
        'Type: index/type',
        '',
        `PLATFORM         DIGEST${' '.repeat(68)}SIZE`,
        `linux/amd64      ${digest('2')}   3.4MB`,
        `linux/arm64/v8   ${digest('3')}   -`,
        '',
        'Platform: linux/amd64',
        `Manifest: ${digest('2')}`,
        `Config: ${digest('4')}`,
        'Created: 2 weeks ago (2026-01-01T00:00:00Z)',
        'Size: 3.4MB in 1 layer',
        'Entrypoint: ["/bin/app"]',
        'Directory: /srv',
        'Ports: 80/tcp',
        'Environment:',
        '  A=b',
        'Labels:',
        `  ${SAFE}=${SAFE}`,
        `LAYER   DIGEST${' '.repeat(68)}SIZE   TYPE`,
        `1       ${digest('5')}   3MB    l/t`,
        '',
        'Tags:',
        '  1',
        `  ${SAFE}`,
      ].join('\n'),
    );
  });

  test('lists no platforms for a lone manifest', () => {
    assert.not.match(renderRemoteImage({...image, platforms: image.platforms.slice(0, 1)}, NOW), 'PLATFORM ');
  });
});
