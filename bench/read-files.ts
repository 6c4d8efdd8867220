// node bench/read-files.ts --image REFERENCE [--runs N] [--drivers NAMES] [--size MIB] [--plain-http]
//
// How fast a container reads all files of its image under each snapshot driver: `run IMAGE` with
// `find / -xdev -type f | xargs cat`. Cold: a run after the store was unmounted; warm: once more in the same container;
// next: a further run. Prints a JSON line with medians in milliseconds, what each driver takes by what the first takes,
// and the processor time of these programs, which tells more on a machine with other work.
//
// The store is on a disk of its own, a file that is mounted as ext4. Before a cold run it is unmounted, and what the
// machine has cached of the file is dropped; the caches of everybody else stay.
import {mkdtemp, rm} from 'node:fs/promises';
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

/** Of each pass, the first from `begun` on. */
function readPasses(output: string, begun: number): Reading[] {
  const ends = [...output.matchAll(ENDED)].map(([, ...parts]) => {
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

const directory = await mkdtemp('/var/tmp/winch-read-');
try {
  using winch = makeWinch();
  await using disk = await openLoopDisk(directory, Number(values.size));
  const env = {WINCH_ROOT: join(disk.path, 'store')};
  const call = async (words: readonly string[]): Promise<string> => {
    const {exitCode, stdout, stderr} = await winch.run(words, {within: disk.within, env});
    if (exitCode !== 0) fail(`${words.join(' ')}: ${stderr}`);
    return stdout;
  };
  const read = async (driver: string, passes: number): Promise<readonly Reading[]> => {
    const script = Array(passes).fill(PASS).join(';');
    const begun = Date.now();
    return readPasses(
      await call(['run', '--pull', 'never', '--snapshotter', driver, image, 'sh', '-c', script]),
      begun,
    );
  };
  const chill = async () => {
    await requireProgram('sync', ['-f', disk.outside]);
    await disk.restart();
    await requireProgram('dd', [`if=${join(directory, 'disk.img')}`, 'iflag=nocache', 'count=0', 'status=none']);
  };
  await call(['pull', ...(values['plain-http'] ? ['--insecure'] : []), image]);
  const results = new Map(
    drivers.map((driver) => [driver, {cold: [] as Reading[], warm: [] as Reading[], next: [] as Reading[]}]),
  );
  // The first run extracts layers where a driver needs that.
  for (const driver of drivers) await read(driver, 1);
  for (let round = 0; round < Number(values.runs); round++) {
    for (const [driver, readings] of results) {
      await chill();
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
