import * as assert from 'uvu/assert';
import type {WhichAnswer, WhichMatch} from '../../../src/images/which.ts';
import {describe} from '../../helpers/suite.ts';
import {runWinch} from '../run-winch.ts';
import {DIGESTS, detailsOf} from '../samples.ts';

const LAYERS = detailsOf('a').layers.map((layer) => ({
  ...layer,
  number: 2,
  createdBy: `RUN \x1b${'long '.repeat(20)}`,
}));
const NAME = {imageId: DIGESTS.config, references: ['alpine:3', 'b\x07:1']};
const FILE = {type: 'file', size: 1500, mode: 0o755, uid: 0, gid: 0, linkTarget: null, path: '/bin/a'} as const;

const byPath: WhichMatch = {
  image: NAME,
  platform: 'linux/amd64',
  roles: [],
  digest: null,
  layer: LAYERS[0] ?? null,
  file: FILE,
};
const byDigest: WhichMatch = {...byPath, file: null, roles: ['diff-id', 'chain-id'], digest: DIGESTS.layer};

describe('cli/commands/which', ({test}) => {
  const run = (answer: Partial<WhichAnswer>, ...words: readonly string[]) =>
    runWinch(['which', ...words], {images: {which: async () => ({matches: [], unsearched: [], ...answer})}});

  test('prints the file and the layer of each image', async () => {
    const link = {...byPath, file: {...FILE, type: 'symlink', size: 0, linkTarget: 'b'}} as const;
    const {code, stdout, stderr} = await run({matches: [byPath, link]}, '/bin/a');
    assert.equal([code, stderr], [0, '']);
    assert.equal(stdout.split('\n').slice(0, 3), [
      'IMAGE               ID             PLATFORM      FILE         SIZE      LAYER            CREATED BY',
      'alpine:3, b\\x07:1   333333333333   linux/amd64   /bin/a       1.5kB     2 444444444444   RUN \\x1blong long long long long long long l…',
      'alpine:3, b\\x07:1   333333333333   linux/amd64   /bin/a → b   symlink   2 444444444444   RUN \\x1blong long long long long long long l…',
    ]);
  });

  test('prints what the digest is to each image', async () => {
    const config: WhichMatch = {...byDigest, layer: null, roles: ['config']};
    const {stdout} = await run({matches: [byDigest, config]}, DIGESTS.layer);
    const [heading, layer, last] = stdout.split('\n');
    assert.match(heading ?? '', /^IMAGE +ID +PLATFORM +IS ITS +LAYER +CREATED BY$/);
    assert.match(layer ?? '', / diff id, chain id +2 444444444444 +RUN /);
    assert.match(last ?? '', / config +- +-$/);
  });

  test('prints the data of the library as JSON', async () => {
    const {stdout} = await run({matches: [byPath]}, '-f', 'json', '/bin/a');
    assert.equal(JSON.parse(stdout), {matches: [byPath], unsearched: []});
  });

  test('ends with 4 when no image has it, and says which could not be searched', async () => {
    assert.equal((({code, stdout}) => [code, stdout])(await run({}, '/absent')), [4, '']);
    const {code, stderr} = await run({matches: [byPath], unsearched: [NAME]}, '/bin/a');
    assert.equal([code, stderr], [0, 'not searched, since not unpacked: 1 image\n']);
  });
});
