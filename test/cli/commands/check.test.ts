import * as assert from 'uvu/assert';
import type {CheckReport, Finding} from '../../../src/images/check/check.ts';
import {describe} from '../../helpers/suite.ts';
import {runWinch} from '../run-winch.ts';
import {DIGESTS} from '../samples.ts';

const DAMAGE: Finding = {
  code: 'BLOB_CONTENT',
  kind: 'content',
  object: 'blob',
  digest: DIGESTS.config,
  path: 'blobs/sha256/33',
  detail: 'its bytes have another digest',
  isDamage: true,
  images: [{imageId: DIGESTS.config, references: ['evil\u001b[31m:2']}],
  meaning: 'its images cannot be pushed',
  hint: 'a repair gets it again',
};
const SOUND: CheckReport = {
  findings: [],
  repairs: [],
  isClean: true,
  checkedFiles: 7,
  checkedBytes: 3000,
  droppedBlobs: 0,
};
const DAMAGED: CheckReport = {...SOUND, findings: [DAMAGE], isClean: false};

const check = (report: CheckReport, ...words: readonly string[]) =>
  runWinch(['check', ...words], {images: {check: async () => report}});

describe('cli/commands/check', ({test}) => {
  test('says that a sound store is sound, and nothing else', async () => {
    const {code, stdout, stderr} = await check(SOUND);
    assert.equal([code, stdout], [0, '']);
    assert.match(stderr, 'the store is sound: 7 files with 3kB');
  });

  test('lists damage, escaped, and ends with 6', async () => {
    const {code, stdout, stderr} = await check(DAMAGED);
    assert.is(code, 6);
    assert.match(stdout, /^BLOB_CONTENT +its bytes have another digest +evil\S*:2 +blobs\/sha256\/33$/m);
    assert.not.match(stdout, '\u001b');
    assert.match(stderr, 'BLOB_CONTENT: its images cannot be pushed: a repair gets it again');
    assert.match(stderr, 'STORE_CORRUPT: 1 damage in 7 files');
  });

  test('says what became of each damage', async () => {
    const repairs = [{finding: DAMAGE, outcome: 'repaired' as const, detail: 'downloaded again'}];
    const {code, stdout, stderr} = await check({...DAMAGED, repairs, isClean: true}, '--repair');
    assert.is(code, 0);
    assert.match(stdout, /repaired: downloaded again$/m);
    assert.match(stderr, 'the store is sound again');
  });

  test('prints the whole report as JSON', async () => {
    assert.equal(JSON.parse((await check(DAMAGED, '--format', 'json')).stdout), DAMAGED);
  });
});
