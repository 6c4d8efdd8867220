// node bench/graph.ts [--images N] [--runs N] [--store DIR]: times what answers from the store's database, each as a whole process of the built command. Prints JSON lines.
import {existsSync} from 'node:fs';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {openDatabase} from '../src/store/database.ts';
import {storePaths} from '../src/store/paths.ts';
import {openStore} from '../src/store/store.ts';
import {fillDatabase, type LargeImage, largeImage, writeFiles} from '../test/store/large-store.ts';
import {compare, medianOf} from './measure.ts';

const {values} = parseArgs({
  options: {
    images: {type: 'string', default: '2000'},
    runs: {type: 'string', default: '9'},
    /** A store of an earlier run, or where to put one that stays. */
    store: {type: 'string'},
  },
});
const COUNT = Number(values.images);
const BIN = join(import.meta.dirname, '../bin/winch.js');
const NODE = 'node -e 0';

const print = (line: object) => void process.stdout.write(`${JSON.stringify(line)}\n`);
const round = (milliseconds: number) => Math.round(milliseconds * 10) / 10;

async function fillStore(root: string, images: readonly LargeImage[]): Promise<void> {
  const paths = storePaths(root);
  if (existsSync(paths.database)) return;
  const database = await openDatabase(paths.database, 'fast');
  database.transaction(() => fillDatabase(database, images));
  database.close();
  writeFiles(paths, images);
}

/** Milliseconds until a store has answered its first question; the modules are loaded. */
function timeOpening(root: string, runs: number): number {
  const times = Array.from({length: runs}, () => {
    const started = performance.now();
    const store = openStore({root, durability: 'full'});
    store.read((database) => database.get('SELECT count(*) FROM image'), null);
    store.close();
    return performance.now() - started;
  });
  return medianOf(times);
}

function commandsFor({image, layers, references: [name = '']}: LargeImage): readonly (readonly string[])[] {
  const blob = layers.at(-1)?.blobDigest ?? '';
  return [
    ['images'],
    ['images', '-q'],
    ['images', '--format', 'json'],
    ['images', '--filter', 'reference=*/app7'],
    ['inspect', name],
    ['history', name],
    ['tree'],
    ['tree', name],
    ['tree', '--format', 'json'],
    ['tree', '--format', 'dot'],
    ['which', image.configDigest],
    ['which', blob],
    ['which', blob.slice(0, 'sha256:'.length + 12)],
    ['tag', '--history', name],
    ['df'],
  ];
}

const temporary = values.store === undefined ? await mkdtemp(join(tmpdir(), 'winch-graph-')) : null;
const root = values.store ?? join(temporary ?? '', 'store');
try {
  const images = Array.from({length: COUNT}, (_, number) => largeImage(number));
  await fillStore(root, images);
  const layers = new Set(images.flatMap((image) => image.layers.map(({diffId}) => diffId))).size;
  print({images: COUNT, layers, runs: Number(values.runs), node: process.version});
  print({name: 'open the store', ms: round(timeOpening(root, Number(values.runs)))});
  const subject = images.at(-1);
  if (!subject) throw new Error('--images wants at least 1');
  const contenders = commandsFor(subject).map((words) => ({
    name: words.join(' ').replace(/sha256:\S{20,}/, 'DIGEST'),
    words: [process.execPath, BIN, '--root', root, ...words],
  }));
  const bare = [
    {name: NODE, words: [process.execPath, '-e', '0']},
    {name: 'winch version', words: [process.execPath, BIN, 'version']},
  ];
  const {measurements, failures} = await compare([...bare, ...contenders], {runs: Number(values.runs)});
  const base = measurements[0]?.median ?? 0;
  for (const {name, median, min, max} of measurements) {
    print({name, ms: round(median), overNode: round(median - base), min: Math.round(min), max: Math.round(max)});
  }
  for (const failure of failures) print(failure);
} finally {
  if (temporary !== null) await rm(temporary, {recursive: true, force: true});
}
