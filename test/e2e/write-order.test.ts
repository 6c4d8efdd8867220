import * as assert from 'node:assert/strict';
import {createHash} from 'node:crypto';
import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import {buildImage} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {type DiskOperation, readDiskLog, recordingWords} from '../helpers/disk-log.ts';
import {CUTS, type Cut, type DiskModel, openDiskModel, writeRemains} from '../helpers/disk-model.ts';
import {missingFor} from '../helpers/requires.ts';
import {findStoreProblems} from '../helpers/store-problems.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch, type Winch} from '../helpers/winch.ts';

const skip = missingFor('strace');
const MEMORY = '/dev/shm';
const layerOf = (name: string) => buildTar([{path: name, content: name.repeat(500)}]);
const OLD = buildImage({layers: [layerOf('base')]});
const IMAGE = buildImage({layers: [layerOf('base'), layerOf('upper')], compression: 'none'});

describe('e2e/write-order', ({test: declare}) => {
  const test = (title: string, body: (lab: Lab) => Promise<void>) =>
    declare(title, () => withLab(body), {skip, timeoutMs: 180_000});

  test('S04 a power cut at any moment of the first pull leaves no row without its data, and after the end all of it', async (lab) => {
    await requireDurable(lab, {words: ['pull', lab.old], kept: [], wanted: [lab.old]});
  });

  test('S04 a power cut at any moment of a further pull leaves what was there, and after the end all of it', async (lab) => {
    await pull(lab, lab.old);
    await requireDurable(lab, {words: ['pull', lab.image], kept: [lab.old], wanted: [lab.image]});
  });

  test('S04 a power cut at any moment of a pull finds the directories that a killed one has made', async (lab) => {
    const words = ['pull', lab.old];
    await requireDurable(lab, {killed: words, words, kept: [], wanted: [lab.old]});
  });

  test('S04 a power cut at any moment of load and tag leaves what was there, and after the end all of it', async (lab) => {
    const archive = join(lab.winch.directory, 'archive.tar');
    await pull(lab, lab.image);
    assert.equal((await lab.winch.run(['save', '--output', archive, lab.image])).exitCode, 0);
    assert.equal((await lab.winch.run(['rmi', lab.image])).exitCode, 0);
    await pull(lab, lab.old);
    await requireDurable(lab, {words: ['load', '--input', archive], kept: [lab.old], wanted: [lab.image]});
    const name = 'docker.io/library/named:1';
    await requireDurable(lab, {words: ['tag', lab.image, name], kept: [lab.old, lab.image], wanted: [name]});
  });

  test('S04 a power cut at any moment of save leaves no archive or all of it, and after the end all of it', async ({
    winch,
    old,
  }) => {
    const directory = join(winch.directory, 'archives');
    const path = join(directory, 'archive.tar');
    mkdirSync(directory);
    assert.equal((await winch.run(['pull', old])).exitCode, 0);
    const model = openDiskModel(directory);
    const operations = await record({winch, root: directory}, ['save', '--output', path, old]);
    const found = () => CUTS.map((cut) => model.cut(cut).get('archive.tar'));
    const whole = readFileSync(path);
    for (const operation of operations) {
      model.apply(operation);
      assert.ok(
        found().every((bytes) => bytes === undefined || bytes?.equals(whole)),
        operation.type,
      );
    }
    assert.ok(found().every((bytes) => bytes?.equals(whole)));
  });

  test('S04 a power cut at any moment of removing images leaves no row without its data', async (lab) => {
    await pull(lab, lab.old, lab.image);
    await requireDurable(lab, {words: ['rmi', lab.image], kept: [lab.old], wanted: []});
    await requireDurable(lab, {words: ['untag', lab.old], kept: [], wanted: []});
    await requireDurable(lab, {words: ['prune'], kept: [], wanted: []});
  });

  test('S04 a pull without syncs is one that a power cut can harm', async (lab) => {
    await pull(lab, lab.old);
    const words = ['pull', '--durability', 'fast', lab.image];
    assert.ok((await replay(lab, {words, kept: [], wanted: []})).damages.length > 0);
  });
});

interface Lab {
  readonly winch: Winch;
  readonly old: string;
  readonly image: string;
}

async function withLab(body: (lab: Lab) => Promise<void>): Promise<void> {
  await using registry = await startRegistry();
  using winch = makeWinch();
  registry.put('old', '1', OLD);
  registry.put('app', '1', IMAGE);
  await body({winch, old: `${registry.host}/old:1`, image: `${registry.host}/app:1`});
}

async function pull({winch}: Lab, ...references: readonly string[]): Promise<void> {
  const {exitCode, stderr} = await winch.run(['pull', ...references]);
  assert.equal(exitCode, 0, stderr);
}

interface Recording {
  /** Runs before, in vain: it is killed at its second sync, that of directories it has made in the store. */
  readonly killed?: readonly string[];
  readonly words: readonly string[];
  /** Tags that are there at any time. */
  readonly kept: readonly string[];
  /** Tags that are there after the end. */
  readonly wanted: readonly string[];
}

async function requireDurable(lab: Lab, recording: Recording): Promise<void> {
  const {damages, lost, states} = await replay(lab, recording);
  assert.deepEqual({damages, lost}, {damages: [], lost: []}, recording.words.join(' '));
  assert.ok(states > CUTS.length, `${states} states`);
}

interface Replay {
  readonly damages: readonly string[];
  /** Tags that are missing after the end. */
  readonly lost: readonly string[];
  /** Different remains that were looked at. */
  readonly states: number;
}

/** Runs a command and looks at what a power cut after each of its operations could have left. */
async function replay({winch}: Lab, {killed, words, kept, wanted}: Recording): Promise<Replay> {
  const model = openDiskModel(winch.root);
  if (killed) for (const operation of await record({winch, root: winch.root}, killed, 2)) model.apply(operation);
  using place = makeScratch();
  const look = createLook(model, join(place.path, 'scratch'));
  const damages: string[] = [];
  for (const operation of await record({winch, root: winch.root}, words)) {
    model.apply(operation);
    look.all().forEach(({problems, tags}, index) => {
      const missing = kept.filter((tag) => !tags.includes(tag)).map((tag) => `${tag} is gone`);
      const where = `${JSON.stringify(CUTS[index])} after ${operation.type} ${operation.path}`;
      damages.push(...[...problems, ...missing].map((problem) => `${where}: ${problem}`));
    });
  }
  const lost = look.all().flatMap(({tags}) => wanted.filter((tag) => !tags.includes(tag)));
  return {damages, lost, states: look.states()};
}

async function record(
  {winch, root}: {readonly winch: Winch; readonly root: string},
  words: readonly string[],
  killedAtSync?: number,
): Promise<readonly DiskOperation[]> {
  const logs = join(winch.directory, 'logs');
  mkdirSync(logs);
  const within = recordingWords(join(logs, 'log'), killedAtSync);
  const {exitCode, signal, stderr} = await winch.run(words, {within, env: {UV_THREADPOOL_SIZE: '1'}});
  assert.deepEqual([exitCode, signal], killedAtSync === undefined ? [0, null] : [null, 'SIGKILL'], stderr);
  const operations = readDiskLog(logs, 'log', root);
  rmSync(logs, {recursive: true});
  return operations;
}

/** In memory where that is to be had: SQLite syncs each of the hundreds of databases that are looked at. */
function makeScratch(): Disposable & {readonly path: string} {
  const path = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'winch-test-'));
  return {path, [Symbol.dispose]: () => rmSync(path, {recursive: true})};
}

/** Looks at every kind of cut, and at equal remains once. */
function createLook(model: DiskModel, scratch: string) {
  const seen = new Map<string, Remains>();
  const look = (cut: Cut): Remains => {
    const remains = model.cut(cut);
    const key = keyOf(remains);
    const found = seen.get(key) ?? inspect(remains, scratch);
    seen.set(key, found);
    return found;
  };
  return {all: () => CUTS.map(look), states: () => seen.size};
}

interface Remains {
  readonly problems: readonly string[];
  readonly tags: readonly string[];
}

function inspect(remains: ReadonlyMap<string, Buffer | null>, directory: string): Remains {
  writeRemains(remains, directory);
  try {
    const tags = readTags(join(directory, 'winch.db'));
    // Without a database, or with one that has no table yet, there is no row that could lack data.
    return tags === null ? {problems: [], tags: []} : {problems: findStoreProblems(directory), tags};
  } finally {
    rmSync(directory, {recursive: true});
  }
}

function readTags(path: string): readonly string[] | null {
  if (!existsSync(path)) return null;
  const database = new DatabaseSync(path);
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE name = 'tag'").all();
    return tables.length === 0
      ? null
      : database
          .prepare('SELECT reference FROM tag')
          .all()
          .map(({reference}) => String(reference));
  } finally {
    database.close();
  }
}

function keyOf(remains: ReadonlyMap<string, Buffer | null>): string {
  const hash = createHash('sha1');
  for (const [path, bytes] of [...remains].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${path}\0${bytes?.length}\0`).update(bytes ?? '');
  }
  return hash.digest('hex');
}
