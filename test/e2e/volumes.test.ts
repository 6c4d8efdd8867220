import * as assert from 'node:assert/strict';
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {buildTar} from '../../fixtures/build-tar.ts';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch, type Winch} from '../helpers/winch.ts';

const skip = missingFor('runc', 'busybox');
const OWNED = buildTar([
  {path: 'data/', type: 'directory', uid: 1000, gid: 1000, mode: 0o750},
  {path: 'data/seed', content: 'seed', uid: 1000, gid: 1000, mode: 0o600},
]);

describe('e2e/volumes', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 180_000});
  let opened: Winch | undefined;
  const winch = () => opened ?? assert.fail('the image was not pulled');
  const succeed = async (words: readonly string[], input?: Buffer) => {
    const {exitCode, stdout, stderr, output} = await winch().run(words, input && {input});
    assert.equal(exitCode, 0, `${words.join(' ')}: ${stderr}`);
    return {stdout: stdout.trim(), output};
  };
  const inContainer = async (flags: readonly string[], script: string) =>
    (await succeed(['run', '--network', 'none', ...flags, 'owned', 'sh', '-c', script])).stdout;

  before(async () => {
    if (skip !== undefined) return;
    await using registry = await startRegistry();
    registry.put('owned', '1', busyboxImage({layers: [OWNED]}));
    opened = makeWinch();
    await succeed(['pull', '-q', `${registry.host}/owned:1`]);
    await succeed(['tag', `${registry.host}/owned:1`, 'owned']);
  });
  after(() => opened?.[Symbol.dispose]());

  test('keeps what containers write, with the owners that they see, until it is removed', async () => {
    const flags = ['-v', 'data:/data'];
    assert.equal(await inContainer(flags, 'stat -c "%u %a" /data /data/seed'), '1000 750\n1000 600');
    await inContainer(['-u', '1000', ...flags], 'echo written > /data/file');
    assert.equal(await inContainer(flags, 'stat -c %u /data/file; cat /data/file'), '1000\nwritten');
    assert.equal((await succeed(['volume', 'ls', '-q'])).stdout, 'data');
    const {output} = await succeed(['volume', 'export', 'data']);
    await succeed(['volume', 'create', 'copy']);
    await succeed(['volume', 'import', 'copy', '-'], output);
    const list = 'stat -c "%n %u %g %a" /v /v/*; cat /v/*';
    const [one, other] = [await inContainer(['-v', 'data:/v'], list), await inContainer(['-v', 'copy:/v'], list)];
    assert.equal(one, other);
    assert.match(one, /^\/v 1000 1000 750\n/);
    const read = winch().run(['run', '--network', 'none', '-v', 'data:/v:ro', 'owned', 'touch', '/v/new']);
    assert.notEqual((await read).exitCode, 0);
    await succeed(['volume', 'rm', 'data']);
    await succeed(['volume', 'prune', '--all']);
    assert.equal((await succeed(['volume', 'ls', '-q'])).stdout, '');
  });

  test('files go into a run and artifacts come out, as those of whoever runs it', async () => {
    const at = (name: string) => join(winch().directory, name);
    mkdirSync(at('src'));
    writeFileSync(at('src/build'), '#!/bin/sh\nmkdir dist; echo built > dist/result; exit $1\n', {mode: 0o755});
    const words = ['run', '--network', 'none', '--copy-in', `${at('src')}/.:/work`, '-w', '/work'];
    await succeed([...words, '--copy-out', `/work/dist:${at('out')}`, 'owned', './build', '0']);
    assert.equal(readFileSync(at('out/result'), 'utf8'), 'built\n');
    const failed = await winch().run([...words, '--copy-out', `/work/dist:${at('failed')}`, 'owned', './build', '9']);
    assert.equal(failed.exitCode, 9);
    assert.ok(existsSync(at('failed/result')));
    const missing = await winch().run([...words, '--copy-out', `/work/none:${at('none')}`, 'owned', 'true']);
    assert.equal(missing.exitCode, 125);
    assert.match(missing.stderr, /PATH_UNKNOWN/);
  });
});
