import * as assert from 'node:assert/strict';
import {mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {type RegistryServer, startRegistry} from '../../fixtures/registry-server.ts';
import {CRASH_COMMANDS, type CrashWords, crashWords, putCrashImages} from '../helpers/crash-commands.ts';
import {missingFor} from '../helpers/requires.ts';
import {findStoreProblems} from '../helpers/store-problems.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch, type Winch, type WinchExit} from '../helpers/winch.ts';

const skip = missingFor('busybox');
/** A container and an image say when they were made; what was taken away is not there the second time, a network is. */
const UNREPEATABLE: readonly string[] = ['run', 'import', 'rmi', 'untag', 'network-create', 'network-rm'];
/** What they print is how much they did. */
const COUNTING: readonly string[] = ['restore', 'cache', 'prune'];
const REPEATABLE = CRASH_COMMANDS.filter((command) => !UNREPEATABLE.includes(command));

describe('e2e/repeated', ({test: declare}) => {
  const test = (title: string, body: (lab: Lab) => Promise<void>) =>
    declare(title, () => withLab(body), {skip, timeoutMs: 180_000});

  test('S18 a command that has done its work changes nothing when it is repeated', async ({winch, words, setUps}) => {
    for (const command of REPEATABLE) {
      for (const line of setUps[command]) await winch.run(line);
      const {stdout} = requireSuccess(await winch.run(words[command]));
      const before = await readState(winch);
      const again = requireSuccess(await winch.run(words[command]));
      assert.deepEqual(await readState(winch), before, command);
      if (!COUNTING.includes(command)) assert.equal(again.stdout, stdout, command);
    }
    assert.match((await winch.run(words.prune)).stdout, /\b0 ?B\b/);
  });

  test('S18 the second pull only asks what the tag names', async ({winch, registry, old}) => {
    const before = registry.requests.length;
    requireSuccess(await winch.run(['pull', old]));
    const asked = registry.requests.slice(before).filter((request) => request.class !== 'ping');
    assert.deepEqual(
      asked.map(({method, class: what}) => [method, what]),
      [['HEAD', 'manifest']],
    );
  });

  test('S18 an image is unpacked once, and nothing is fetched for it', async ({winch, registry, words}) => {
    const [, reference = ''] = words.pull;
    requireSuccess(await winch.run(['pull', '--download-only', reference]));
    const fetched = () => registry.requests.filter((request) => request.class === 'blob').length;
    const before = fetched();
    const unpack = async () => requireSuccess(await winch.run(['--progress', 'json', 'pull', reference])).stderr;
    assert.match(await unpack(), /"layer:indexed"/);
    assert.doesNotMatch(await unpack(), /"layer:indexed"/);
    assert.equal(fetched(), before);
  });

  test('S18 taking away what is gone is refused and changes nothing', async ({winch, words, setUps}) => {
    for (const command of ['rmi', 'untag'] as const) {
      for (const line of setUps[command]) requireSuccess(await winch.run(line));
      requireSuccess(await winch.run(words[command]));
      const before = await readState(winch);
      const {exitCode, stderr} = await winch.run(words[command]);
      assert.equal(exitCode, 4, stderr);
      assert.match(stderr, /^winch: (?:IMAGE|TAG)_UNKNOWN: /);
      assert.deepEqual(await readState(winch), before);
    }
  });

  test('S18 a bundle is written into an empty directory only', async ({winch, old}) => {
    const directory = join(winch.directory, 'bundle');
    const refused = async () => {
      const {exitCode, stderr} = await winch.run(['bundle', old, directory]);
      assert.equal(exitCode, 2, stderr);
    };
    mkdirSync(directory);
    requireSuccess(await winch.run(['bundle', old, directory]));
    const config = readFileSync(join(directory, 'config.json'));
    await refused();
    assert.ok(readFileSync(join(directory, 'config.json')).equals(config));
    const mine = join(winch.directory, 'mine');
    mkdirSync(mine);
    writeFileSync(join(mine, 'file'), 'mine');
    assert.equal((await winch.run(['bundle', old, mine])).exitCode, 2);
    assert.deepEqual(readdirSync(mine), ['file']);
  });
});

interface Lab extends Pick<CrashWords, 'words' | 'setUps' | 'old'> {
  readonly winch: Winch;
  readonly registry: RegistryServer;
}

/** A store with one image and, at the end, without damage. */
async function withLab(body: (lab: Lab) => Promise<void>): Promise<void> {
  await using registry = await startRegistry();
  using winch = makeWinch();
  putCrashImages(registry);
  const {beginnings, ...lines} = crashWords(registry.host, winch.directory);
  for (const line of beginnings) requireSuccess(await winch.run(line));
  await body({winch, registry, ...lines});
  assert.deepEqual(findStoreProblems(winch.root), []);
}

/** What a user sees, and all of the content. */
async function readState(winch: Winch): Promise<readonly string[]> {
  const {stdout} = requireSuccess(await winch.run(['images', '--format', '{{.Repository}}:{{.Tag}} {{.ID}}']));
  const files = ['blobs/sha256', 'layers/sha256', 'ingest'].flatMap((name) => readdirSync(join(winch.root, name)));
  return [...stdout.split('\n'), ...files.toSorted()];
}

function requireSuccess(exit: WinchExit): WinchExit {
  assert.deepEqual([exit.exitCode, exit.signal], [0, null], exit.stderr);
  return exit;
}
