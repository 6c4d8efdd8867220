// node bench/read-files.ts --image REFERENCE [--runs N] [--drivers NAMES] [--size MIB] [--plain-http] [--machine-disk]
//
// How fast a container reads all files of its image under each snapshot driver: `run IMAGE` with
// `find / -xdev -type f | xargs cat`. Cold: a run after the store was unmounted; warm: once more in the same container;
// next: a further run. Prints a JSON line with medians in milliseconds, what each driver takes by what the first takes,
// and the processor time of these programs, which tells more on a machine with other work.
//
// The store is on a disk of its own, a file that is mounted as ext4. Before a cold run it is unmounted, and what the
// machine has cached of the file is dropped; the caches of everybody else stay. The machine reads such a file ahead in
// large pieces, so that jumping about costs nothing. With --machine-disk the store is below /var/tmp, every cache of the
// machine is dropped before a cold run, and a jump costs what it costs on that disk.
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {loadavg} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {openLoopDisk} from '../test/helpers/loop-disk.ts';
import {requireProgram} from '../test/helpers/run-program.ts';
import {makeWinch} from '../test/helpers/winch.ts';
import {medianOf} from './measure.ts';

const {values} = parseArgs({
  options: {
    image: {type: 'string'},
    runs: {type: 'string', default: '5'},
    drivers: {type: 'string', default: 'erofs,overlay'},
    size: {type: 'string', default: '12000'},
    'plain-http': {type: 'boolean', default: false},
    'machine-disk': {type: 'boolean', default: false},
  },
});
const {image = fail('--image is missing')} = values;
const drivers = values.drivers.split(',');
const PASS = 'find / -xdev -type f -print0 | xargs -0 cat >/dev/null; date +%s%3N; times';
/** What a pass prints: when it ended (milliseconds since 1970), and what the shell and its programs have used so far. */
const ENDED = /(\d{13})\n.*\n(\d+)m([\d.]+)s (\d+)m([\d.]+)s/g;

interface Reading {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** Of each pass; the output begins with when the first began. */
function readPasses(output: string): Reading[] {
  const lineEnd = output.indexOf('\n');
  const begun = Number(output.slice(0, lineEnd));
  const ends = [...output.slice(lineEnd).matchAll(ENDED)].map(([, ...parts]) => {
    const [end = 0, userMinutes = 0, user = 0, systemMinutes = 0, system = 0] = parts.map(Number);
    return {end, cpuMs: ((userMinutes + systemMinutes) * 60 + user + system) * 1000};
  });
  const before = [{end: begun, cpuMs: 0}, ...ends];
  return ends.map(({end, cpuMs}, pass) => ({
    wallMs: end - (before[pass]?.end ?? 0),
    cpuMs: cpuMs - (before[pass]?.cpuMs ?? 0),
  }));
}

const summarize = (readings: readonly Reading[]): Reading => ({
  wallMs: Math.round(medianOf(readings.map(({wallMs}) => wallMs))),
  cpuMs: Math.round(medianOf(readings.map(({cpuMs}) => cpuMs))),
});

const ratio = (one: number, other: number): number => Number((one / other).toFixed(2));

function fail(message: string): never {
  throw new Error(message);
}

interface Disk extends AsyncDisposable {
  readonly path: string;
  readonly within: readonly string[];
  chill(): Promise<void>;
}

async function openDisk(): Promise<Disk> {
  if (values['machine-disk'])
    return {path: directory, within: [], chill: dropCaches, [Symbol.asyncDispose]: async () => {}};
  const disk = await openLoopDisk(directory, Number(values.size));
  const chill = async () => {
    await requireProgram('sync', ['-f', disk.outside]);
    await disk.restart();
    await requireProgram('dd', [`if=${join(directory, 'disk.img')}`, 'iflag=nocache', 'count=0', 'status=none']);
  };
  return {path: disk.path, within: disk.within, chill, [Symbol.asyncDispose]: () => disk[Symbol.asyncDispose]()};
}

async function dropCaches(): Promise<void> {
  await requireProgram('sync', []);
  await writeFile('/proc/sys/vm/drop_caches', '3');
}

const directory = await mkdtemp('/var/tmp/winch-read-');
try {
  using winch = makeWinch();
  await using disk = await openDisk();
  const env = {WINCH_ROOT: join(disk.path, 'store')};
  const call = async (words: readonly string[]): Promise<string> => {
    const {exitCode, stdout, stderr} = await winch.run(words, {within: disk.within, env});
    if (exitCode !== 0) fail(`${words.join(' ')}: ${stderr}`);
    return stdout;
  };
  const read = async (driver: string, passes: number): Promise<readonly Reading[]> => {
    const script = ['date +%s%3N', ...Array(passes).fill(PASS)].join(';');
    return readPasses(await call(['run', '--pull', 'never', '--snapshotter', driver, image, 'sh', '-c', script]));
  };
  await call(['pull', ...(values['plain-http'] ? ['--insecure'] : []), image]);
  const results = new Map(
    drivers.map((driver) => [driver, {cold: [] as Reading[], warm: [] as Reading[], next: [] as Reading[]}]),
  );
  // The first run extracts layers where a driver needs that.
  for (const driver of drivers) await read(driver, 1);
  for (let round = 0; round < Number(values.runs); round++) {
    for (const [driver, readings] of results) {
      await disk.chill();
      const [cold = fail('nothing was read'), warm = fail('nothing was read twice')] = await read(driver, 2);
      const [next = fail('nothing was read')] = await read(driver, 1);
      readings.cold.push(cold);
      readings.warm.push(warm);
      readings.next.push(next);
    }
  }
  const medians = [...results].map(([driver, {cold, warm, next}]) => ({
    driver,
    cold: summarize(cold),
    warm: summarize(warm),
    next: summarize(next),
  }));
  const [first = fail('no driver is named')] = medians;
  const report = medians.map((median) => ({
    ...median,
    coldRatio: ratio(median.cold.wallMs, first.cold.wallMs),
    warmRatio: ratio(median.warm.wallMs, first.warm.wallMs),
    nextRatio: ratio(median.next.wallMs, first.next.wallMs),
  }));
  process.stdout.write(`${JSON.stringify({image, runs: Number(values.runs), load: loadavg(), report})}\n`);
} finally {
  await rm(directory, {recursive: true});
}
