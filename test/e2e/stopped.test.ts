import * as assert from 'node:assert/strict';
import {existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {buildImage} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {type RegistryServer, startRegistry} from '../../fixtures/registry-server.ts';
import {findStoreProblems} from '../helpers/store-problems.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {makeWinch, type Winch} from '../helpers/winch.ts';

const STOPPED_MS = 3000;
const IMAGE = buildImage({
  layers: [1, 2].map((fill) => buildTar([{path: `file-${fill}`, content: Buffer.alloc(1_500_000, fill)}])),
  compression: 'none',
});
const SLOW = {on: 'blob', slow: {bytes: 32_768, pauseMs: 10}} as const;

describe('e2e/stopped', ({test}) => {
  test('S02 nobody takes over from a process that is stopped and goes on later', async () => {
    await using registry = await startRegistry({faults: [SLOW]});
    registry.put('app', '1', IMAGE);
    using winch = makeWinch();
    const words = ['pull', `${registry.host}/app:1`];
    const stopped = winch.start(words);
    await waitFor(() => requestsOfLayers(registry).length > 0 && partials(winch).length > 0);
    stopped.child.kill('SIGSTOP');
    const waiting = winch.start(words);
    await waitFor(() => waiting.readStderr().includes(`waiting for pid ${stopped.child.pid} `));
    const asked = requestsOfLayers(registry);
    await Promise.all([sleep(STOPPED_MS), winch.run(['prune', '--all', '--partials'])]);
    assert.deepEqual([waiting.child.exitCode, requestsOfLayers(registry)], [null, asked]);
    assert.ok(partials(winch).length > 0, 'what the stopped process has received is gone');
    stopped.child.kill('SIGCONT');
    for (const {exited} of [stopped, waiting]) {
      const {exitCode, stdout, stderr} = await exited;
      assert.deepEqual([exitCode, stdout], [0, `${IMAGE.manifest.digest}\n`], stderr);
    }
    const each = IMAGE.layers.map(
      ({digest}) => requestsOfLayers(registry).filter((url) => url.endsWith(digest)).length,
    );
    assert.deepEqual(each, [1, 1]);
    assert.deepEqual([findStoreProblems(winch.root), partials(winch)], [[], []]);
  });

  test('S02 a credential helper that is killed ends the pull with a line about it, and leaves nothing', async () => {
    await using registry = await startRegistry({challenge: 'basic'});
    registry.put('app', '1', IMAGE);
    using winch = makeWinch();
    const pidFile = join(winch.directory, 'helper-pid');
    const bin = join(winch.directory, 'helpers');
    mkdirSync(bin);
    writeFileSync(
      join(bin, 'docker-credential-slow'),
      `#!/bin/sh\necho $$ > '${pidFile}.new'; mv '${pidFile}.new' '${pidFile}'\nexec sleep 60\n`,
      {mode: 0o755},
    );
    writeFileSync(join(winch.dockerDirectory, 'config.json'), JSON.stringify({credHelpers: {[registry.host]: 'slow'}}));
    const pull = winch.start(['pull', `${registry.host}/app:1`], {env: {PATH: `${bin}:${process.env.PATH}`}});
    await waitFor(() => existsSync(pidFile));
    process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL');
    const {exitCode, stderr} = await pull.exited;
    assert.match(stderr, /^winch: CREDENTIAL_HELPER_FAILED: .*docker-credential-slow.* was killed/m);
    assert.equal(exitCode, 5);
    assert.deepEqual(partials(winch), []);
  });
});

const requestsOfLayers = ({requests}: RegistryServer): readonly string[] =>
  requests.map(({url}) => url).filter((url) => IMAGE.layers.some(({digest}) => url.endsWith(digest)));

const partials = ({root}: Winch): readonly string[] => {
  const directory = join(root, 'ingest');
  return existsSync(directory) ? readdirSync(directory) : [];
};
