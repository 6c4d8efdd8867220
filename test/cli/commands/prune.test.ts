import * as assert from 'uvu/assert';
import type {PruneOptions, PruneReport} from '../../../src/images/prune.ts';
import {describe} from '../../helpers/suite.ts';
import {runWinch} from '../run-winch.ts';
import {DIGESTS} from '../samples.ts';

const REPORT: PruneReport = {
  untagged: ['app\u001b[31m:1'],
  deleted: [DIGESTS.config],
  droppedBlobs: 0,
  storeBytes: null,
  freedBytes: 12_345_678,
  keptBytes: 0,
  keptFor: [],
};

async function prune(words: readonly string[], report = REPORT) {
  const calls: PruneOptions[] = [];
  const images = {
    prune: async (options: PruneOptions = {}) => {
      calls.push(options);
      return report;
    },
  };
  return {...(await runWinch(['prune', ...words], {images})), calls};
}

describe('cli/commands/prune', ({test}) => {
  test('prints what went and how much that freed', async () => {
    const {stdout, code, calls} = await prune([]);
    assert.is(code, 0);
    assert.match(stdout, /^Untagged: app\S+:1\nDeleted: sha256:3{64}\nTotal reclaimed space: 12\.3MB\n$/);
    assert.not.match(stdout, '\u001b');
    assert.equal([calls[0]?.all, calls[0]?.partials, calls[0]?.isDryRun], [undefined, undefined, false]);
  });

  test('hands on what is to go', async () => {
    const words = ['--all', '--partials', '--dry-run', '--filter', 'label=a=b', '--filter', 'until=2026-01-01'];
    const {stdout, calls} = await prune(words);
    const [{all, partials, isDryRun, labels, createdBefore} = {}] = calls;
    assert.equal([all, partials, isDryRun], [true, true, true]);
    assert.equal(labels, [{name: 'a', value: 'b', isExcluded: false}]);
    assert.is(createdBefore, Date.parse('2026-01-01'));
    assert.match(stdout, 'Total reclaimable space: 12.3MB');
  });

  test('counts the compressed layers that went', async () => {
    const {stdout, calls} = await prune(['--blobs'], {...REPORT, droppedBlobs: 2});
    assert.is(calls[0]?.blobs, true);
    assert.match(stdout, /^Dropped: 2 compressed layers$/m);
    assert.match((await prune([], {...REPORT, droppedBlobs: 1})).stdout, /^Dropped: 1 compressed layer$/m);
  });

  test('reads how much to keep as sizes are read, and tells when more is left', async () => {
    const {calls, stderr} = await prune(['--keep-bytes', '1.5GiB'], {...REPORT, storeBytes: 1.5 * 2 ** 30});
    assert.equal([calls[0]?.keepBytes, stderr], [1.5 * 2 ** 30, '']);
    assert.match((await prune(['--keep-bytes', '1k'], {...REPORT, storeBytes: 2000})).stderr, 'still takes 2kB');
    const {code, opened} = await prune(['--keep-bytes', 'much']);
    assert.equal([code, opened.length], [2, 0]);
  });

  test('says what is left to whom', async () => {
    const keptFor = [{pid: 12, command: 'winch pull', runningSeconds: 3}];
    const {stderr, code} = await prune([], {...REPORT, keptBytes: 2_000_000, keptFor});
    assert.is(code, 0);
    assert.match(stderr, /^left 2MB to pid 12 \(winch pull, started 3 s ago\): a later prune/);
    assert.match((await prune([], {...REPORT, keptBytes: 1})).stderr, 'left 1B to another process');
    assert.is((await prune([])).stderr, '');
  });

  test('prints JSON, and refuses a filter before it opens the store', async () => {
    assert.equal(JSON.parse((await prune(['--format', 'json'])).stdout), REPORT);
    const {code, calls, opened} = await prune(['--filter', 'until=soon']);
    assert.equal([code, calls.length, opened.length], [2, 0, 0]);
  });
});
