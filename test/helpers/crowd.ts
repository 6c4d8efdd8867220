import * as assert from 'node:assert/strict';
import {readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {buildImage} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import type {RegistryServer} from '../../fixtures/registry-server.ts';
import {findStoreProblems} from './store-problems.ts';
import type {Winch} from './winch.ts';

/** Four images on one base. */
export const CROWD_TAGS = ['1', '2', '3', '4'] as const;

export interface CrowdOptions {
  readonly winch: Winch;
  readonly registry: RegistryServer;
  /** Processes that pull at any time; one more removes, one prunes and one tags. */
  readonly pullers: number;
  /** At least; on a slow machine it goes on until every loop has succeeded once. */
  readonly durationMs: number;
}

const LOOPS = ['pull', 'rmi', 'prune', 'tag'] as const;
type Loop = (typeof LOOPS)[number];

/**
 * Longest waits in milliseconds. `lease`: for whoever frees space, to begin or to claim something; `transaction`: for the database, the change itself
 * included; `blob` and `layer`: for another process that downloads or unpacks the same; `sweep`: is no wait, but how
 * long space was freed.
 */
export type CrowdWaits = Record<'lease' | 'transaction' | 'blob' | 'layer' | 'sweep', number>;

export interface CrowdReport {
  /** Commands that succeeded. */
  readonly counts: Readonly<Record<Loop, number>>;
  /** Prunes that freed something, and those that left something to whoever was at work with it. */
  readonly prunes: {readonly freeing: number; readonly keeping: number};
  readonly failures: readonly string[];
  readonly waits: Readonly<CrowdWaits>;
}

const BASE = buildTar([{path: 'base', content: Buffer.alloc(500_000, 'base ')}]);
/** Another command took the name or the image away, as it may. */
const MAY_FAIL = /^winch: IMAGE_UNKNOWN: /m;
/** In every so-maniest round prune takes named images as well. */
const ALL_EVERY = 4;
const LONGEST_EXTENSION_MS = 100_000;

/** Puts the images that the crowd pulls. */
export function putCrowdImages(registry: RegistryServer): void {
  for (const tag of CROWD_TAGS) {
    const upper = buildTar([{path: `upper-${tag}`, content: Buffer.alloc(300_000, tag)}]);
    registry.put('app', tag, buildImage({layers: [BASE, upper]}));
  }
}

/** Runs processes that pull, remove, prune and tag in loops on one store, and looks at the store and pulls all at the end. */
export async function runCrowd(options: CrowdOptions): Promise<CrowdReport> {
  const {winch, registry, pullers, durationMs} = options;
  const names = CROWD_TAGS.map((tag) => `${registry.host}/app:${tag}`);
  const deadline = performance.now() + durationMs;
  const giveUp = deadline + LONGEST_EXTENSION_MS;
  const counts: Record<Loop, number> = {pull: 0, rmi: 0, prune: 0, tag: 0};
  const goesOn = () =>
    performance.now() < deadline ||
    (performance.now() < giveUp && failures.length === 0 && LOOPS.some((verb) => counts[verb] === 0));
  const prunes = {freeing: 0, keeping: 0};
  const failures: string[] = [];
  const waits: CrowdWaits = {lease: 0, transaction: 0, blob: 0, layer: 0, sweep: 0};
  const loop = async (verb: Loop, index: number, wordsOf: (round: number) => readonly string[]) => {
    const trace = join(winch.directory, `trace-${verb}-${index}`);
    for (let round = 0; goesOn(); round += 1) {
      const words = wordsOf(round);
      const {exitCode, stdout, stderr} = await winch.run([...words, '--trace', trace]);
      noteWaits(waits, trace);
      if (exitCode === 0) counts[verb] += 1;
      else if (verb === 'pull' || verb === 'prune' || !MAY_FAIL.test(stderr))
        failures.push(`${words.join(' ')}: ${stderr}`);
      if (verb === 'prune' && exitCode === 0) notePrune(prunes, stdout);
    }
    rmSync(trace, {force: true});
  };
  const nameAt = (index: number) => names[index % names.length] ?? '';
  await Promise.all([
    ...Array.from({length: pullers}, (_, index) => loop('pull', index, (round) => ['pull', nameAt(index + round)])),
    loop('rmi', 0, (round) => ['rmi', nameAt(round)]),
    loop('prune', 0, (round) => ['prune', '--format', 'json', ...(round % ALL_EVERY === 0 ? ['--all'] : [])]),
    loop('tag', 0, (round) => ['tag', nameAt(round), `named:${round % 2}`]),
  ]);
  await requireSound(winch, names);
  return {counts, prunes, failures, waits};
}

function notePrune(prunes: {freeing: number; keeping: number}, stdout: string): void {
  const {freedBytes, keptBytes} = JSON.parse(stdout) as {readonly freedBytes: number; readonly keptBytes: number};
  if (freedBytes > 0) prunes.freeing += 1;
  if (keptBytes > 0) prunes.keeping += 1;
}

interface TraceSpan {
  readonly ph: string;
  readonly name: string;
  readonly cat?: string;
  readonly dur?: number;
}

function noteWaits(waits: CrowdWaits, trace: string): void {
  const {traceEvents} = JSON.parse(readFileSync(trace, 'utf8')) as {readonly traceEvents: readonly TraceSpan[]};
  for (const {ph, name, cat, dur = 0} of traceEvents) {
    const wait = ph === 'X' ? waitOf(name, cat) : undefined;
    if (wait !== undefined) waits[wait] = Math.max(waits[wait], Math.round(dur / 1000));
  }
}

function waitOf(name: string, category: string | undefined): keyof CrowdWaits | undefined {
  if (name === 'lock') return category === 'layer' ? 'layer' : 'blob';
  if (name === 'lease' || name === 'claim') return 'lease';
  if (name === 'transaction') return name;
  return name === 'collect garbage' ? 'sweep' : undefined;
}

async function requireSound(winch: Winch, names: readonly string[]): Promise<void> {
  for (const words of [['check'], ['pull', ...names], ['check']]) {
    assert.deepEqual(findStoreProblems(winch.root), []);
    const {exitCode, stderr} = await winch.run(words);
    assert.equal(exitCode, 0, `${words.join(' ')}: ${stderr}`);
  }
}
