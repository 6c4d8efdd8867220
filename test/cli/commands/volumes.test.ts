import {text} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import type {VolumeDetails} from '../../../src/containers/volumes/list-volumes.ts';
import {WinchError} from '../../../src/errors.ts';
import type {Volumes} from '../../../src/toolkit.ts';
import {describe} from '../../helpers/suite.ts';
import {runWinch} from '../run-winch.ts';

const volume = (name: string, more: Partial<VolumeDetails> = {}): VolumeDetails => ({
  ...{name, created: '2026-01-02T03:04:05Z', labels: {}, isAnonymous: false, directory: `/store/${name}`, usedBy: []},
  ...more,
});
const FOUND = [volume('cache', {labels: {team: 'web'}, usedBy: ['c1']}), volume('old')];
const ls = (...words: readonly string[]) => runWinch(['volume', 'ls', ...words], {volumes: {list: async () => FOUND}});

describe('cli/commands/volumes', ({test}) => {
  test('create prints the name of what was asked for', async () => {
    const requests: unknown[] = [];
    const create: Volumes['create'] = async (request) => {
      requests.push(request);
      return volume(request?.name ?? 'random');
    };
    assert.is(
      (await runWinch(['volume', 'create', '-d', 'local', '--label', 'a=b', 'cache'], {volumes: {create}})).stdout,
      'cache\n',
    );
    assert.is((await runWinch(['volume', 'create'], {volumes: {create}})).stdout, 'random\n');
    assert.is((await runWinch(['volume', 'create', '--driver', 'nfs'], {volumes: {create}})).code, 2);
    assert.equal(JSON.parse(JSON.stringify(requests)), [{name: 'cache', labels: {a: 'b'}}, {labels: {}}]);
  });

  test('ls prints as docker does, by name only, and by template', async () => {
    assert.match((await ls()).stdout, /^DRIVER +VOLUME NAME\nlocal +cache\nlocal +old\n$/);
    assert.is((await ls('-q')).stdout, 'cache\nold\n');
    assert.is(
      (await ls('--format', '{{.Name}} {{.Mountpoint}} {{.Labels}}')).stdout,
      'cache /store/cache team=web\nold /store/old \n',
    );
    assert.equal(JSON.parse((await ls('--format', 'json')).stdout), FOUND);
  });

  const filters: readonly (readonly [readonly string[], string])[] = [
    [['name=ach'], 'cache\n'],
    [['label=team', 'label=team=web'], 'cache\n'],
    [['label=team=db'], ''],
    [['dangling=true'], 'old\n'],
    [['dangling=false'], 'cache\n'],
    [['driver=local', 'name=old'], 'old\n'],
    [['driver=nfs'], ''],
  ];
  for (const [words, names] of filters) {
    test(`ls keeps to ${words.join(' and ')}`, async () => {
      const {code, stdout} = await ls('-q', ...words.flatMap((word) => ['--filter', word]));
      assert.equal([code, stdout], [0, names]);
    });
  }

  test('ls refuses a filter that it does not know', async () => {
    for (const word of ['size=1', 'dangling=maybe', 'name', 'name=']) assert.is((await ls('--filter', word)).code, 2);
  });

  test('inspect prints the fields of docker', async () => {
    const inspect = async (name: string) => volume(name);
    const {stdout} = await runWinch(['volume', 'inspect', 'a', 'b'], {volumes: {inspect}});
    const [first, second] = JSON.parse(stdout);
    assert.equal([first.Name, first.Driver, first.Scope, second.Mountpoint], ['a', 'local', 'local', '/store/b']);
    const format = ['--format', '{{.Mountpoint}}'];
    assert.is((await runWinch(['volume', 'inspect', ...format, 'a'], {volumes: {inspect}})).stdout, '/store/a\n');
  });

  test('rm does with each what it can, and tells what it could not', async () => {
    const remove = async (name: string) => {
      if (name === 'busy') throw new WinchError('VOLUME_IN_USE', 'volume busy is in use', {kind: 'refused'});
    };
    const {code, stdout, stderr} = await runWinch(['volume', 'rm', 'a', 'busy', 'b'], {volumes: {remove}});
    assert.equal([code, stdout], [3, 'a\nb\n']);
    assert.match(stderr, 'VOLUME_IN_USE: volume busy is in use');
  });

  test('export writes a tar, and none to a terminal; import reads one', async () => {
    const seen: unknown[] = [];
    const volumes: Partial<Volumes> = {
      export: async (name) => ({content: pieces(`tar of ${name}`), close: () => void seen.push('closed')}),
      import: async (name, tar) => void seen.push(name, typeof tar === 'string' ? tar : await text(tar)),
    };
    assert.is((await runWinch(['volume', 'export', 'data'], {volumes})).stdout, 'tar of data');
    const environment = {stdoutIsTerminal: () => true, openStandardInput: () => pieces('piped')};
    assert.is((await runWinch(['volume', 'export', 'data'], {volumes, environment})).code, 2);
    await runWinch(['volume', 'import', 'data', 'file.tar'], {volumes});
    await runWinch(['volume', 'import', 'data', '-'], {volumes, environment});
    assert.equal(seen, ['closed', 'data', '/work/here/file.tar', 'data', 'piped']);
  });

  test('prune passes on what may go, and prints what went', async () => {
    const seen: unknown[] = [];
    const prune: Volumes['prune'] = async (options) => {
      seen.push([options?.all, options?.labels]);
      return {removed: ['old'], freedBytes: 1500};
    };
    const {stdout} = await runWinch(['volume', 'prune', '-af', '--filter', 'label!=keep'], {volumes: {prune}});
    assert.is(stdout, 'Deleted: old\nTotal reclaimed space: 1.5kB\n');
    assert.equal(seen, [[true, [{name: 'keep', value: null, isExcluded: true}]]]);
    assert.is((await runWinch(['volume', 'prune', '--filter', 'until=1h'], {volumes: {prune}})).code, 2);
  });
});

async function* pieces(content: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(content);
}
