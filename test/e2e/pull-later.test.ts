import * as assert from 'node:assert/strict';
import {join} from 'node:path';
import {buildIndex} from '../../fixtures/build-image.ts';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch} from '../helpers/winch.ts';

const skip = missingFor('runc', 'busybox') ?? (process.arch === 'x64' ? undefined : 'its images are for amd64');

/** One program for two platforms: what it prints tells which image it was. */
const multi = () =>
  buildIndex([
    busyboxImage({platform: {os: 'linux', architecture: 'amd64'}, config: {Cmd: ['echo', 'amd64']}}),
    busyboxImage({
      platform: {os: 'linux', architecture: 'amd64', variant: 'v3'},
      config: {Cmd: ['echo', 'amd64/v3']},
    }),
  ]);

describe('e2e/pull-later', ({test}) => {
  test(
    'runs and bundles what was downloaded only, for each platform, with the registry gone',
    async () => {
      const registry = await startRegistry();
      using winch = makeWinch();
      registry.put('app', '1', multi());
      const reference = `${registry.host}/app:1`;
      const pulled = await winch.run(['pull', '-q', '--all-platforms', '--download-only', reference]);
      assert.equal(pulled.exitCode, 0, pulled.stderr);
      await registry.close();
      const run = async (...words: readonly string[]) => {
        const {exitCode, stdout, stderr} = await winch.run(['run', '-q', '--pull', 'never', ...words]);
        assert.equal(exitCode, 0, stderr);
        return stdout;
      };
      const [, v3] = multi().images;
      assert.equal(await run(v3?.config.digest ?? ''), 'amd64/v3\n', 'by its id');
      assert.equal(await run(reference), 'amd64\n');
      assert.equal(await run('--platform', 'linux/amd64/v3', reference), 'amd64/v3\n');
      assert.equal(await run(reference), 'amd64\n');
      const directory = join(winch.directory, 'bundle');
      const bundled = await winch.run([
        'bundle',
        '--platform',
        'linux/amd64/v3',
        '--pull',
        'missing',
        reference,
        directory,
      ]);
      assert.equal(bundled.exitCode, 0, bundled.stderr);
      const listed = await winch.run(['images', '-a', '--format', '{{.Tag}} {{.Platform}}']);
      assert.deepEqual(listed.stdout.trim().split('\n').toSorted(), ['1 linux/amd64', '1 linux/amd64/v3']);
      const newer = await winch.run(['run', '--pull', 'newer', reference]);
      assert.equal(newer.stdout, 'amd64\n');
      assert.match(newer.stderr, /is used as it is stored/);
    },
    {skip},
  );

  test('prints what was pulled in the order given, one line for each failure, and ends as the first', async () => {
    const registry = await startRegistry();
    using winch = makeWinch();
    registry.put('app', '1', multi());
    const name = (tag: string) => `${registry.host}/app:${tag}`;
    const words = ['pull', '-q', '--download-only', name('none'), name('1'), 'Bad/Name', name('1')];
    const {exitCode, stdout, stderr} = await winch.run(words);
    await registry.close();
    const digest = multi().index.digest;
    assert.equal(stdout, `${digest}\n${digest}\n`);
    assert.deepEqual(stderr.match(/^winch: [A-Z_]+/gm), ['winch: MANIFEST_UNKNOWN', 'winch: REFERENCE_INVALID']);
    assert.equal(exitCode, 4);
  });
});
