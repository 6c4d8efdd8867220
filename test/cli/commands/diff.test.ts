import * as assert from 'uvu/assert';
import type {ImageDiff} from '../../../src/images/diff.ts';
import type {FileDetails} from '../../../src/images/diff-files.ts';
import {describe} from '../../helpers/suite.ts';
import {runWinch} from '../run-winch.ts';
import {DIGESTS} from '../samples.ts';

const file = (size: number, more: Partial<FileDetails> = {}): FileDetails => ({
  type: 'file',
  size,
  mode: 0o644,
  uid: 0,
  gid: 0,
  linkTarget: null,
  ...more,
});
const link = (linkTarget: string) => file(0, {type: 'symlink', linkTarget});
const side = {imageId: DIGESTS.config, platform: 'linux/amd64', layerCount: 2};

const DIFF: ImageDiff = {
  from: side,
  to: side,
  sharedLayers: 1,
  files: [
    {
      kind: 'changed',
      path: '/bin/su',
      before: file(4),
      after: file(1500, {mode: 0o4755, uid: 7}),
      differences: ['content', 'mode', 'owner'],
    },
    {kind: 'added', path: '/evil\x1b[2J', before: null, after: file(3), differences: []},
    {kind: 'changed', path: '/link', before: link('a'), after: link('b\n'), differences: ['target']},
    {kind: 'removed', path: '/old', before: file(0, {type: 'directory'}), after: null, differences: []},
    {kind: 'removed', path: '/old/file', before: file(2000), after: null, differences: []},
  ],
  config: [
    {field: 'Cmd', name: null, before: ['sh'], after: ['sh', '-l']},
    {field: 'Env', name: 'A', before: null, after: '1\x07'},
    {field: 'User', name: null, before: 'me', after: null},
  ],
};

describe('cli/commands/diff', ({test}) => {
  const run = (words: readonly string[], diff: ImageDiff = DIFF) =>
    runWinch(['diff', ...words], {images: {diff: async () => diff}});

  test('prints files and settings by letter, and how many there are on standard error', async () => {
    const {code, stdout, stderr} = await run(['a', 'b']);
    assert.is(code, 0);
    assert.equal(stdout.split('\n'), [
      '    SIZE         CHANGED                                      PATH',
      'C   4B → 1.5kB   content, mode 0644 → 4755, owner 0:0 → 7:0   /bin/su',
      'A   3B                                                        /evil\\x1b[2J',
      'C                target                                       /link → a → b\\x0a',
      'D                                                             /old',
      'D   2kB                                                       /old/file',
      '',
      '    SETTING   VALUE',
      'C   Cmd       ["sh"] → ["sh","-l"]',
      'A   Env A     1\\x07',
      'D   User      me',
      '',
    ]);
    assert.is(stderr, '1 added (3B), 2 changed, 2 removed (2kB)\n');
  });

  test('prints the data of the library as JSON', async () => {
    assert.equal(JSON.parse((await run(['--format', 'json', 'a', 'b'])).stdout), DIFF);
  });

  test('prints nothing where nothing differs', async () => {
    const {code, stdout} = await run(['a', 'b'], {...DIFF, files: [], config: []});
    assert.equal([code, stdout], [0, '']);
  });

  test('hands both names and the platform over', async () => {
    const seen: unknown[] = [];
    const diff = async (...[from, to, options]: [string, string, {readonly platform?: string | undefined}?]) => {
      seen.push(from, to, options?.platform);
      return DIFF;
    };
    await runWinch(['diff', '--platform', 'linux/arm64', 'a', 'b'], {images: {diff}});
    assert.equal(seen, ['a', 'b', 'linux/arm64']);
    assert.is((await run([])).code, 2);
  });

  test('of one name it is what that container has changed', async () => {
    const changes = [{kind: 'A', path: '/evil\x1b[2J'} as const, {kind: 'D', path: '/old'} as const];
    const diff = async (container: string) => (container === 'web' ? changes : []);
    assert.is((await runWinch(['diff', 'web'], {containers: {diff}})).stdout, 'A /evil\\x1b[2J\nD /old\n');
    const {stdout} = await runWinch(['diff', '--format', 'json', 'web'], {containers: {diff}});
    assert.equal(JSON.parse(stdout), changes);
    assert.equal((await runWinch(['diff', 'same'], {containers: {diff}})).stdout, '');
  });
});
