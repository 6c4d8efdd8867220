import * as assert from 'uvu/assert';
import {renderHistory} from '../../../src/cli/render/history.ts';
import {renderImages} from '../../../src/cli/render/images.ts';
import {renderInfo} from '../../../src/cli/render/info.ts';
import {renderTree} from '../../../src/cli/render/tree.ts';
import {toDockerImage} from '../../../src/docker-json/image.ts';
import type {ImageTreeNode} from '../../../src/images/tree.ts';
import {describe} from '../../helpers/suite.ts';
import {DIGESTS, detailsOf, HISTORY, NOW, summaryOf} from '../samples.ts';

describe('cli/render/images', ({test}) => {
  const images = [summaryOf('alpine', '3.20'), summaryOf(null, null)];
  const view = {format: undefined, idsOnly: false, showDigests: false, isFull: false, now: NOW};

  test('lists as docker does', () => {
    assert.is(
      renderImages(images, view),
      [
        'REPOSITORY   TAG      IMAGE ID       CREATED       SIZE',
        'alpine       3.20     333333333333   2 weeks ago   7.8MB',
        '<none>       <none>   333333333333   2 weeks ago   7.8MB',
      ].join('\n'),
    );
  });

  test('prints each id once', () => {
    assert.is(renderImages(images, {...view, idsOnly: true}), '333333333333');
    assert.is(renderImages(images, {...view, idsOnly: true, isFull: true}), DIGESTS.config);
  });

  test('shows digests', () => {
    const [heading, first] = renderImages(images, {...view, showDigests: true}).split('\n');
    assert.match(heading ?? '', /^REPOSITORY {3}TAG {6}DIGEST/);
    assert.ok(first?.includes(DIGESTS.index));
  });

  test('prints the data of the library as JSON', () => {
    assert.equal(JSON.parse(renderImages(images, {...view, format: 'json'})), images);
  });

  test('escapes what an image brings', () => {
    const evil = {...summaryOf('a', '1'), platform: 'linux/\x1b[2J'};
    assert.is(renderImages([evil], {...view, format: '{{.Platform}}'}), 'linux/\\x1b[2J');
  });
});

describe('cli/render/history', ({test}) => {
  const view = {format: undefined, digestsOnly: false, isFull: false, now: NOW};

  test('shortens commands and escapes them', () => {
    const [, first, second] = renderHistory(HISTORY, view).split('\n');
    assert.match(first ?? '', /^- {14}24 hours ago {3}CMD \["sh"\] +0B {6}buildkit$/);
    assert.match(second ?? '', /^444444444444 {3}2 weeks ago {4}RUN echo \\x1b\[31mred long .*… {3}7\.8MB$/);
  });

  test('prints whole commands on one line', () => {
    const lines = renderHistory(HISTORY, {...view, isFull: true}).split('\n');
    assert.is(lines.length, 3);
    assert.ok(lines[2]?.includes(`${DIGESTS.layer}   2 weeks ago    RUN echo \\x1b[31mred\\x0along`));
  });

  test('prints the digests of layers only', () => {
    assert.is(renderHistory(HISTORY, {...view, digestsOnly: true}), DIGESTS.layer);
  });

  test('prints templates and JSON', () => {
    assert.is(renderHistory(HISTORY, {...view, format: '{{.Size}}'}), '0B\n7.8MB');
    assert.equal(JSON.parse(renderHistory(HISTORY, {...view, format: 'json'})), HISTORY);
  });
});

describe('cli/render/tree', ({test}) => {
  const node = (name: string, children: readonly ImageTreeNode[] = []): ImageTreeNode => ({
    image: {imageId: DIGESTS.config, references: name === '' ? [] : [name]},
    platform: 'linux/amd64',
    layerCount: 2,
    sharedBytes: 1000,
    uniqueBytes: 2_000_000,
    children,
  });

  test('draws descendants below their parents', () => {
    const drawn = renderTree([node('a', [node('b', [node('c')]), node('')]), node('d')]);
    const names = drawn.split('\n').map((line) => line.split(/ {3,}3333/)[0]);
    assert.equal(names.slice(1), ['a', '├─ b', '│  └─ c', '└─ <none>', 'd']);
    assert.match(drawn, /^IMAGE +ID +PLATFORM +LAYERS +SHARED +UNIQUE\n/);
    assert.match(drawn, /333333333333 {3}linux\/amd64 {3}2 {8}1kB {6}2MB$/m);
  });
});

describe('cli/render/info', ({test}) => {
  const info = {
    version: '0.1.0',
    root: '/r\x1b',
    images: 2,
    snapshotter: {name: 'erofs', usable: false, reason: 'the kernel has no EROFS', isForced: false} as const,
    runtime: {path: '/usr/sbin/runc', version: '1.1.5', reason: null},
    kernel: '6.18',
    cgroup: 'v2' as const,
    storeBytes: 1000,
    freeBytes: 2000,
    engineApi: {host: 'unix:///run/winch.sock', isServed: true},
  };

  test('says what works and why not', () => {
    assert.is(
      renderInfo(info),
      [
        'Version: 0.1.0',
        'Store: /r\\x1b (2 images, 1kB used, 2kB free)',
        'Snapshots: erofs does not work here: the kernel has no EROFS',
        'Runtime: /usr/sbin/runc 1.1.5',
        'Kernel: 6.18',
        'Cgroups: v2',
        'Engine API: at unix:///run/winch.sock',
      ].join('\n'),
    );
    const engineApi = {...info.engineApi, isServed: false};
    assert.match(renderInfo({...info, engineApi}), /\nEngine API: not served at unix:\/\/\/run\/winch.sock$/);
  });

  test('says why another driver mounts images', () => {
    const fallback = {name: 'overlay', usable: true, reason: 'the kernel has no EROFS', isForced: false} as const;
    assert.match(
      renderInfo({...info, snapshotter: fallback}),
      'Snapshots: overlay works here: the kernel has no EROFS',
    );
    const forced = {...fallback, reason: null, isForced: true};
    assert.match(renderInfo({...info, snapshotter: forced}), 'Snapshots: overlay, as asked for, works here\n');
  });

  test('says that there is no runtime', () => {
    const runtime = {path: null, version: null, reason: 'runc is not installed'};
    assert.match(renderInfo({...info, runtime}), 'Runtime: none: runc is not installed');
  });
});

describe('cli/render/docker-inspect', ({test}) => {
  test("has docker's fields", () => {
    const shown = toDockerImage(detailsOf('alpine:3.20'));
    assert.is(shown.Id, DIGESTS.config);
    assert.equal(shown.RepoTags, ['alpine:3.20']);
    assert.is(shown.Architecture, 'amd64');
    assert.is(shown.Comment, 'last');
    assert.equal(shown.RootFS.Layers, [`sha256:${'5'.repeat(64)}`]);
    assert.is(shown.Parent, '');
  });

  test('survives a config that is no object', () => {
    assert.is(toDockerImage({...detailsOf('a'), config: null}).Os, '');
  });
});
