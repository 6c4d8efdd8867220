import * as assert from 'uvu/assert';
import {loadCommands} from '../../../src/cli/catalogue.ts';
import {complete} from '../../../src/cli/completion/complete.ts';
import {describe} from '../../helpers/suite.ts';

const listReferences = async () => ['alpine:3', 'debian:12', 'evil\x1b'];
const listVolumes = async () => ['cache'];
const listContainers = async () => ['web', '0123456789ab'];

const offer = async (line: string) => {
  const candidates = await complete(line.split(' '), {
    commands: await loadCommands(),
    listReferences,
    listContainers,
    listVolumes,
  });
  return candidates.map((candidate) => candidate.split('\t')[0]);
};

describe('cli/completion/complete', ({test}) => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['i', ['import', 'images', 'inspect', 'info']],
    ['--ro', ['--root']],
    ['man', ['manifest']],
    ['manifest ', ['get', 'put', 'delete']],
    ['manifest g', ['get']],
    ['--debug blob ', ['get', 'head']],
    ['manifest get --plat', ['--platform']],
    ['manifest get al', []],
    ['manifest nothing al', []],
    ['remote --de', ['--debug']],
    ['--root dir pu', ['pull', 'push']],
    ['run al', ['alpine:3']],
    ['run --rm -it al', ['alpine:3']],
    ['run --memory-s', ['--memory-swap', '--memory-swappiness']],
    ['run --pull ', ['always', 'missing', 'newer', 'never']],
    ['run --pull m', ['missing']],
    ['run -e al', []],
    ['run -ite al', []],
    ['run -e A=b al', ['alpine:3']],
    ['run --env=A=b al', ['alpine:3']],
    ['run -- al', ['alpine:3']],
    ['run -- --r', []],
    ['run alpine --rm', []],
    ['run alpine al', []],
    ['run --frob al', ['alpine:3']],
    ['exec w', ['web']],
    ['exec -it w', ['web']],
    ['exec web al', []],
    ['exec web w', []],
    ['rename web w', []],
    ['stop web 0', ['0123456789ab']],
    ['inspect ', ['web', '0123456789ab', 'alpine:3', 'debian:12', 'evil\\x1b']],
    ['container ', ['prune']],
    ['tag al', ['alpine:3']],
    ['tag alpine al', []],
    ['rmi alpine de', ['debian:12']],
    ['pull al', []],
    ['cache ', ['save', 'restore']],
    ['cache save al', []],
    ['cache save dir alpine de', ['debian:12']],
    ['cache restore dir al', []],
    ['volume ', ['create', 'ls', 'inspect', 'rm', 'export', 'import', 'prune']],
    ['volume rm ', ['cache']],
    ['cp ', ['web', '0123456789ab', 'alpine:3', 'debian:12', 'evil\\x1b']],
    ['cp file w', ['web']],
    ['diff w', ['web']],
    ['export al', ['alpine:3']],
    ['commit w', ['web']],
    ['commit web al', []],
    ['volume create c', []],
    ['completion ', ['bash', 'zsh', 'fish']],
    ['nothing-such al', []],
  ];
  for (const [line, expected] of cases) {
    test(`offers ${expected.join(', ') || 'nothing'} for "${line}"`, async () => {
      assert.equal(await offer(line), expected);
    });
  }

  test('offers all shown commands for nothing at all', async () => {
    assert.equal(await offer(''), [...new Set((await loadCommands()).map(({name}) => name.split(' ')[0]))]);
    assert.equal(await complete([], {commands: [], listReferences, listContainers, listVolumes}), []);
  });

  test('escapes what images bring', async () => assert.equal(await offer('run ev'), ['evil\\x1b']));
});
