import * as assert from 'node:assert/strict';
import {setTimeout as sleep} from 'node:timers/promises';
import {buildImage} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {type RegistryServer, startRegistry} from '../../fixtures/registry-server.ts';
import {findStoreProblems} from '../helpers/store-problems.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch, type Winch} from '../helpers/winch.ts';

const PULLERS = 8;
const TAGS = ['1', '2', '3', '4'] as const;
const DURATION_MS = 12_000;
const BASE = buildTar([{path: 'base', content: Buffer.alloc(500_000, 'base ')}]);
/** Another command took the name or the image away, as it may. */
const MAY_FAIL = /^winch: IMAGE_UNKNOWN: /m;

describe('e2e/together', ({test}) => {
  test('S10 pulls of images that share a base succeed while others remove and tag them all the time', async () => {
    await using registry = await serve();
    using winch = makeWinch();
    const names = TAGS.map((tag) => `${registry.host}/app:${tag}`);
    const deadline = performance.now() + DURATION_MS;
    const counts = {pull: 0, rmi: 0, tag: 0};
    const loop = async (verb: keyof typeof counts, wordsOf: (round: number) => readonly string[], pauseMs: number) => {
      for (let round = 0; performance.now() < deadline; round += 1) {
        const words = wordsOf(round);
        const {exitCode, stderr} = await winch.run(words);
        if (exitCode === 0) counts[verb] += 1;
        else assert.ok(verb !== 'pull' && MAY_FAIL.test(stderr), `${words.join(' ')}: ${stderr}`);
        await sleep(pauseMs);
      }
    };
    const nameAt = (index: number) => names[index % names.length] ?? '';
    await Promise.all([
      ...Array.from({length: PULLERS}, (_, index) => loop('pull', (round) => ['pull', nameAt(index + round)], 0)),
      loop('rmi', (round) => ['rmi', nameAt(round)], 0),
      loop('tag', (round) => ['tag', nameAt(round), `named:${round % 2}`], 0),
    ]);
    assert.ok(counts.pull >= PULLERS && counts.rmi > 0 && counts.tag > 0, JSON.stringify(counts));
    assert.deepEqual(findStoreProblems(winch.root), []);
    await requirePulled(winch, names);
  });
});

async function serve(): Promise<RegistryServer> {
  const registry = await startRegistry();
  for (const tag of TAGS) {
    const upper = buildTar([{path: `upper-${tag}`, content: Buffer.alloc(300_000, tag)}]);
    registry.put('app', tag, buildImage({layers: [BASE, upper]}));
  }
  return registry;
}

async function requirePulled(winch: Winch, names: readonly string[]): Promise<void> {
  const {exitCode, stderr} = await winch.run(['pull', ...names]);
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(findStoreProblems(winch.root), []);
}
