import * as assert from 'uvu/assert';
import {describe} from '../../helpers/suite.ts';
import {runWinch} from '../run-winch.ts';
import {DIGESTS} from '../samples.ts';

const MOVES = [
  {
    time: new Date(Date.now() - 3 * 60_000).toISOString(),
    digest: DIGESTS.index,
    manifestDigest: DIGESTS.manifest,
    imageId: DIGESTS.config,
  },
  {time: new Date(Date.now() - 3 * 3_600_000).toISOString(), digest: null, manifestDigest: null, imageId: null},
  {time: '2001-01-01T00:00:00Z', digest: DIGESTS.layer, manifestDigest: DIGESTS.layer, imageId: null},
];

describe('cli/commands/tag and untag', ({test}) => {
  test('shows what a tag named', async () => {
    const fakes = {images: {tagHistory: async () => MOVES}};
    const {code, stdout} = await runWinch(['tag', '--history', 'alpine'], fakes);
    assert.is(code, 0);
    const [heading, first, second, third] = stdout.split('\n');
    assert.match(heading ?? '', /^WHEN +IMAGE ID +DIGEST$/);
    assert.match(first ?? '', /^3 minutes ago +333333333333 +sha256:1+$/);
    assert.match(second ?? '', /^3 hours ago +- +removed$/);
    assert.match(third ?? '', /^\d+ years ago +- +sha256:4+ \(no longer in the store\)$/);
    assert.equal(JSON.parse((await runWinch(['tag', '--history', '-f', 'json', 'a'], fakes)).stdout), MOVES);
  });

  test('undoes a move and says what the tag names now', async () => {
    const undoTag = async (reference: string) => ({reference: `${reference}\x1b`, digest: DIGESTS.index, imageId: ''});
    const {stdout} = await runWinch(['tag', '--undo', 'a:1'], {images: {undoTag}});
    assert.is(stdout, `a:1\\x1b: ${DIGESTS.index}\n`);
  });

  test('removes names and prints them', async () => {
    const {stdout} = await runWinch(['untag', 'a', 'b\x1b'], {images: {untag: async (names) => names}});
    assert.is(stdout, 'Untagged: a\nUntagged: b\\x1b\n');
  });

  test('refuses words and flags that do not go together', async () => {
    const codes = await Promise.all(
      ['tag a', 'tag --history a b', 'tag --undo a b', 'tag --history --undo a', 'tag -f json a b', 'untag'].map(
        async (line) => (await runWinch(line.split(' '))).code,
      ),
    );
    assert.equal(codes, [2, 2, 2, 2, 2, 2]);
  });
});
