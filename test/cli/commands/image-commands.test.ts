import * as assert from 'uvu/assert';
import {WinchError} from '../../../src/errors.ts';
import type {BundleOptions} from '../../../src/images/export-bundle.ts';
import type {PullPlan} from '../../../src/images/plan-pull.ts';
import type {PullOptions} from '../../../src/images/pull.ts';
import {describe} from '../../helpers/suite.ts';
import {runWinch} from '../run-winch.ts';
import {DIGESTS, detailsOf, HISTORY, pullEachBy, summaryOf} from '../samples.ts';

const pulled = {
  reference: 'alpine:latest',
  digest: DIGESTS.index,
  manifestDigest: DIGESTS.manifest,
  imageId: DIGESTS.config,
  platform: 'linux/amd64',
  changed: true,
  receivedBytes: 3000,
};

describe('cli/commands on images', ({test}) => {
  test('pull: prints one digest for each reference and reports on standard error', async () => {
    const pull = async (reference: string, {onEvent}: PullOptions = {}) => {
      onEvent?.({type: 'image:stored', reference, digest: DIGESTS.index, changed: true, receivedBytes: 3000});
      return pulled;
    };
    const {code, stdout, stderr, closed} = await runWinch(['pull', 'alpine', 'busybox'], {
      images: {pullEach: pullEachBy(pull)},
    });
    assert.is(code, 0);
    assert.is(stdout, `${DIGESTS.index}\n${DIGESTS.index}\n`);
    assert.is(stderr, 'alpine: stored, received 3kB\nbusybox: stored, received 3kB\n');
    assert.is(closed, 1);
    assert.is((await runWinch(['pull', '-q', 'alpine'], {images: {pullEach: pullEachBy(pull)}})).stderr, '');
  });

  test('pull: passes its flags on', async () => {
    const seen: (PullOptions | undefined)[] = [];
    const pull = async (_: string, options?: PullOptions) => {
      seen.push(options);
      return pulled;
    };
    const words = ['pull', '--platform', 'linux/arm64', '--policy=missing', 'alpine'];
    await runWinch(words, {images: {pullEach: pullEachBy(pull)}});
    assert.is(seen[0]?.platform, 'linux/arm64');
    assert.is(seen[0]?.policy, 'missing');
    assert.ok(seen[0]?.signal instanceof AbortSignal);
  });

  test('pull: goes on when a reference fails, tells of each, and ends as the first one did', async () => {
    const pull = async (reference: string) => {
      if (reference === 'nope') throw new WinchError('MANIFEST_UNKNOWN', 'no such tag', {kind: 'not-found'});
      if (reference === 'torn') throw new WinchError('DIGEST_MISMATCH', 'other bytes', {kind: 'refused'});
      return pulled;
    };
    const {code, stdout, stderr} = await runWinch(['pull', 'nope', 'alpine', 'torn', 'busybox'], {
      images: {pullEach: pullEachBy(pull)},
    });
    assert.equal([code, stdout], [4, `${DIGESTS.index}\n${DIGESTS.index}\n`]);
    assert.is(stderr, 'winch: MANIFEST_UNKNOWN: no such tag\nwinch: DIGEST_MISMATCH: other bytes\n');
  });

  test('pull: prints a plan as a table or as JSON, and pulls nothing', async () => {
    const plan = async (): Promise<PullPlan> => ({
      reference: 'alpine:latest',
      digest: DIGESTS.index,
      platforms: ['linux/amd64'],
      layers: [
        {digest: DIGESTS.layer, size: 3_000_000, mediaType: 'x/y', state: 'partial', storedBytes: 1_000_000},
        {digest: DIGESTS.config, size: 4000, mediaType: 'x/y', state: 'missing', storedBytes: 0},
      ],
      bytesToFetch: 2_004_000,
      bytesReused: 1_000_000,
      diskBytes: 9_000_000,
      isDiskEstimated: true,
      sources: [
        {host: 'mirror.example', isMirror: true, file: '/etc/registries.conf'},
        {host: 'registry-1.docker.io', isMirror: false, file: null},
      ],
      login: {source: '/auth.json', username: 'ann\x1b', kind: 'password'},
      rateLimit: {limit: 100, remaining: 76, windowSeconds: 21_600, source: null},
    });
    const {code, stdout} = await runWinch(['pull', '--plan', 'alpine'], {images: {plan}});
    assert.is(code, 0);
    assert.equal(stdout.split('\n'), [
      `alpine:latest: ${DIGESTS.index}`,
      'platform: linux/amd64',
      'from: mirror.example (mirror, /etc/registries.conf), then registry-1.docker.io',
      'login: ann\\x1b (/auth.json)',
      'pulls left: 76 of 100 in 360 minutes',
      'to fetch: 2MB',
      'reused: 1MB',
      'disk: about 9MB',
      'LAYER          SIZE   STATE',
      '444444444444   3MB    1MB are here',
      '333333333333   4kB    to fetch',
      '',
    ]);
    const json = await runWinch(['pull', '--plan', '--format', 'json', 'alpine'], {images: {plan}});
    assert.equal(JSON.parse(json.stdout)[0].bytesToFetch, 2_004_000);
    assert.is((await runWinch(['pull', '--format', 'json', 'alpine'], {images: {plan}})).code, 2);
  });

  test('pull: refuses one platform and all of them', async () => {
    const {code, stderr} = await runWinch(['pull', '--platform', 'linux/arm64', '--all-platforms', 'alpine']);
    assert.is(code, 2);
    assert.match(stderr, /FLAGS_CONFLICT/);
  });

  test('pull: keeps what was printed when a later reference fails', async () => {
    const pull = async (reference: string) => {
      if (reference === 'alpine') return pulled;
      throw new WinchError('MANIFEST_UNKNOWN', 'no such tag', {kind: 'not-found'});
    };
    const {code, stdout, stderr, closed} = await runWinch(['pull', 'alpine', 'nope'], {
      images: {pullEach: pullEachBy(pull)},
    });
    assert.is(code, 4);
    assert.is(stdout, `${DIGESTS.index}\n`);
    assert.is(stderr, 'winch: MANIFEST_UNKNOWN: no such tag\n');
    assert.is(closed, 1);
  });

  test('pull: allows insecure access to the named registries only', async () => {
    const fakes = {images: {pullEach: pullEachBy(async () => pulled)}};
    const {opened} = await runWinch(['pull', '--insecure', 'reg.example:5000/a', 'reg.example:5000/b', 'c'], fakes);
    assert.equal(opened[0]?.insecureRegistries, ['reg.example:5000', 'docker.io']);
    assert.is((await runWinch(['pull', 'reg.example/a'], fakes)).opened[0]?.insecureRegistries, undefined);
  });

  test('bundle: prints where it is and hands over the container flags', async () => {
    const seen: unknown[] = [];
    const bundle = async (reference: string, directory: string, {container, policy}: BundleOptions = {}) => {
      seen.push(reference, directory, container, policy);
      return {directory: `${directory}\x1b`, imageId: DIGESTS.config, skipped: {owners: 0, devices: 0, xattrs: 0}};
    };
    const words = ['bundle', '-e', 'A=b', 'alpine', 'dir', 'sleep', '-5'];
    const {code, stdout} = await runWinch(words, {images: {bundle}});
    assert.is(code, 0);
    assert.is(stdout, '/work/here/dir\\x1b\n');
    const container = {command: ['sleep', '-5'], environment: ['A=b'], network: 'host'};
    assert.equal(seen, ['alpine', '/work/here/dir', container, 'missing']);
  });

  test('images: lists, filters and formats', async () => {
    const fakes = {images: {list: async () => [summaryOf('alpine', '3'), summaryOf('debian', '12')]}};
    assert.match((await runWinch(['images'], fakes)).stdout, /^REPOSITORY.*\nalpine .*\ndebian .*\n$/);
    const template = ['images', '--format', '{{.Repository}}:{{.Tag}}'];
    assert.is((await runWinch([...template, '--filter', 'reference=deb*'], fakes)).stdout, 'debian:12\n');
    assert.is((await runWinch([...template, 'alpine'], fakes)).stdout, 'alpine:3\n');
    assert.is((await runWinch(['ls', '-q'], fakes)).stdout, `${'3'.repeat(12)}\n`);
    assert.is((await runWinch(['images', '-q', '--filter', 'reference=x'], fakes)).stdout, '');
  });

  test('images: filters of one key are alternatives, of several must all hold, and labels all', async () => {
    const labels = {tier: 'front', stage: 'test'};
    const all = [
      {...summaryOf('alpine', '3'), labels},
      {...summaryOf('debian', '12'), created: '2020-01-01T00:00:00Z', labels: {tier: 'back'}},
      summaryOf(null, null),
    ];
    const inspect = async (reference: string) => ({...detailsOf(reference), created: '2024-01-01T00:00:00Z'});
    const list = async (...filters: readonly string[]) => {
      const words = ['images', '--format', '{{.Repository}}', ...filters.flatMap((filter) => ['--filter', filter])];
      const {code, stdout, stderr} = await runWinch(words, {images: {inspect, list: async () => all}});
      return code === 0 ? stdout.trim().split('\n').join(' ') : `${code} ${stderr}`;
    };
    assert.is(await list('reference=alpine', 'reference=debian'), 'alpine debian');
    assert.is(await list('reference=alpine', 'dangling=true'), '');
    assert.is(await list('dangling=true'), '<none>');
    assert.is(await list('label=tier'), 'alpine debian');
    assert.is(await list('label=tier=front', 'label=stage'), 'alpine');
    assert.is(await list('before=other'), 'debian');
    assert.is(await list('since=other', 'dangling=false'), 'alpine');
    assert.is(await list('until=2022-01-01'), 'debian');
    for (const odd of ['', 'alpine', '=x', 'color=red', 'dangling=maybe', 'until=soon', 'label=']) {
      assert.match(await list(odd), /^2 .*filter/s, odd);
    }
  });

  test('inspect: prints an array, documents as they are, or fields', async () => {
    const inspect = async (reference: string) => detailsOf(reference);
    const containers = {
      inspect: (name: string) =>
        Promise.reject(new WinchError('CONTAINER_UNKNOWN', `no container ${name}`, {kind: 'not-found'})),
    };
    const fakes = {images: {inspect}, containers};
    const stdout = async (...words: string[]) => (await runWinch(['inspect', ...words], fakes)).stdout;
    const shown = JSON.parse(await stdout('alpine:3', 'alpine:4'));
    assert.equal(
      shown.map((image: {RepoTags: unknown}) => image.RepoTags),
      [['alpine:3'], ['alpine:4']],
    );
    assert.equal(JSON.parse(await stdout('--config', 'alpine:3')), detailsOf('').config);
    assert.equal(JSON.parse(await stdout('--manifest', 'alpine:3')), detailsOf('').manifest);
    assert.is(await stdout('-f', '{{.Os}}/{{.Architecture}}', 'a', 'b'), 'linux/amd64\nlinux/amd64\n');
    assert.ok(Array.isArray(JSON.parse(await stdout('--format', 'json', 'a'))));
    assert.match((await runWinch(['inspect', '--config', '-f', 'x', 'a'])).stderr, 'FLAGS_CONFLICT');
  });

  test('history and tree: print what they are for', async () => {
    const asked: unknown[] = [];
    const tree = async (...words: readonly unknown[]) => {
      asked.push(...words);
      return [];
    };
    const fakes = {images: {history: async () => HISTORY, tree}};
    assert.match((await runWinch(['history', 'alpine'], fakes)).stdout, /^LAYER .*\n- .*\n444444444444 .*\n$/);
    assert.is((await runWinch(['tree'], fakes)).stdout, '');
    assert.is((await runWinch(['tree', '-f', 'json'], fakes)).stdout, '[]\n');
    await runWinch(['tree', 'app:1'], fakes);
    assert.equal(asked, [undefined, undefined, 'app:1']);
  });

  test('tag: prints nothing', async () => {
    const seen: unknown[] = [];
    const tag = async (...names: [string, string]) => void seen.push(names);
    assert.is((await runWinch(['tag', 'a', 'b'], {images: {tag}})).stdout, '');
    assert.equal(seen, [['a', 'b']]);
  });

  test('rmi: prints what went, and remarks on what it freed', async () => {
    const kept = {keptBytes: 0, keptFor: []};
    const report = {untagged: ['a:1'], deleted: [DIGESTS.config], freedBytes: 2_000_000, ...kept};
    const {stdout, stderr} = await runWinch(['rmi', 'a:1'], {images: {remove: async () => report}});
    assert.is(stdout, `Untagged: a:1\nDeleted: ${DIGESTS.config}\n`);
    assert.is(stderr, 'freed 2MB\n');
    const later = {...report, keptBytes: 5, keptFor: [{pid: 12, command: 'winch pull', runningSeconds: 3}]};
    assert.match(
      (await runWinch(['rmi', 'a'], {images: {remove: async () => later}})).stderr,
      /^left 5B to pid 12 \(winch pull, started 3 s ago\)/m,
    );
  });

  test('rmi: forces when asked', async () => {
    const seen: unknown[] = [];
    const remove = async (_: readonly string[], options?: {readonly force?: boolean | undefined}) => {
      seen.push(options?.force);
      return {untagged: [], deleted: [], freedBytes: 0, keptBytes: 0, keptFor: []};
    };
    await runWinch(['rmi', '-f', 'a'], {images: {remove}});
    await runWinch(['rmi', 'a'], {images: {remove}});
    assert.equal(seen, [true, false]);
  });
});
