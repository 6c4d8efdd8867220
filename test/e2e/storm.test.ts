import * as assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {buildImage} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {findStoreProblems} from '../helpers/store-problems.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch} from '../helpers/winch.ts';

const HOLDER = fileURLToPath(new URL('../store/database-holder.ts', import.meta.url));
const IMAGE = buildImage({layers: [buildTar([{path: 'file', content: 'content'}])]});
const NUMBERS = [1, 2, 3, 4, 5];

describe('e2e/storm', ({test}) => {
  test('S12 a storm of tags, removals and lists waits for a writer as long as it takes, and loses nothing', async () => {
    await using registry = await startRegistry();
    for (const number of NUMBERS) registry.put('app', String(number), IMAGE);
    using winch = makeWinch();
    const nameOf = (number: number) => `${registry.host}/app:${number}`;
    const pulled = await winch.run(['pull', ...NUMBERS.map(nameOf)]);
    assert.equal(pulled.exitCode, 0, pulled.stderr);
    const holder = spawn(process.execPath, [HOLDER, join(winch.root, 'winch.db')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    let ended = 0;
    const change = async (words: readonly string[]) => {
      const exit = await winch.run(words);
      ended += 1;
      return exit;
    };
    const changes = NUMBERS.flatMap((number) => [
      change(['tag', nameOf(1), `named:${number}`]),
      ...(number === 1 ? [] : [change(['rmi', nameOf(number)])]),
    ]);
    const lists = await Promise.all(NUMBERS.map(() => winch.run(['images', '-q'])));
    for (const {exitCode, stderr} of lists) assert.equal(exitCode, 0, stderr);
    assert.equal(ended, 0, 'readers do not wait, and nobody else goes on');
    holder.kill('SIGKILL');
    for (const {exitCode, stderr} of await Promise.all(changes)) assert.equal(exitCode, 0, stderr);
    const {stdout} = await winch.run(['images', '--format', '{{.Repository}}:{{.Tag}}']);
    assert.deepEqual(
      stdout.trim().split('\n').toSorted(),
      [nameOf(1), ...NUMBERS.map((number) => `named:${number}`)].toSorted(),
    );
    assert.deepEqual(findStoreProblems(winch.root), []);
  });
});
