// node bench/read-files.ts --image REFERENCE [--runs N] [--drivers NAMES] [--size MIB] [--plain-http]
//
// How fast a container reads all files of its image under each snapshot driver, cold and warm: `run IMAGE` with
// `find / -xdev -type f | xargs cat`. Prints a JSON line with medians in milliseconds, what each driver takes by what the
// first takes, and the processor time of these programs, which tells more on a machine with other work.
//
// The store is on a disk of its own, a file that is mounted as ext4. Before a cold run it is unmounted, and what the
// machine has cached of the file is dropped; the caches of everybody else stay. A warm run follows each cold one.
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
const SCRIPT = 'find / -xdev -type f -print0 | xargs -0 cat >/dev/null; times';
/** The last line of `times`: user and system time of what the shell has started. */
const TIMES = /(\d+)m([\d.]+)s (\d+)m([\d.]+)s\s*$/;

interface Reading {
  readonly wallMs: number;
  readonly cpuMs: number;
}

const cpuOf = (output: string): number => {
  const [, ...parts] = TIMES.exec(output) ?? [];
  const [userMinutes = 0, user = 0, systemMinutes = 0, system = 0] = parts.map(Number);
  return ((userMinutes + systemMinutes) * 60 + user + system) * 1000;
};

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
  const call = async (words: readonly string[]): Promise<Reading & {readonly stdout: string}> => {
    const begun = performance.now();
    const {exitCode, stdout, stderr} = await winch.run(words, {within: disk.within, env});
    if (exitCode !== 0) fail(`${words.join(' ')}: ${stderr}`);
    return {wallMs: performance.now() - begun, cpuMs: cpuOf(stdout), stdout};
  };
  const read = (driver: string) => call(['run', '--pull', 'never', '--snapshotter', driver, image, 'sh', '-c', SCRIPT]);
  const chill = async () => {
    await requireProgram('sync', ['-f', disk.outside]);
    await disk.restart();
    await requireProgram('dd', [`if=${join(directory, 'disk.img')}`, 'iflag=nocache', 'count=0', 'status=none']);
  };
  await call(['pull', ...(values['plain-http'] ? ['--insecure'] : []), image]);
  const results = new Map(drivers.map((driver) => [driver, {cold: [] as Reading[], warm: [] as Reading[]}]));
  // The first run extracts layers where a driver needs that.
  for (const driver of drivers) await read(driver);
  for (let round = 0; round < Number(values.runs); round++) {
    for (const [driver, {cold, warm}] of results) {
      await chill();
      cold.push(await read(driver));
      warm.push(await read(driver));
    }
  }
  const medians = [...results].map(([driver, {cold, warm}]) => ({
    driver,
    cold: summarize(cold),
    warm: summarize(warm),
  }));
  const [first = fail('no driver is named')] = medians;
  const report = medians.map(({driver, cold, warm}) => ({
    ...{driver, cold, warm},
    ...{coldRatio: ratio(cold.wallMs, first.cold.wallMs), warmRatio: ratio(warm.wallMs, first.warm.wallMs)},
  }));
  process.stdout.write(`${JSON.stringify({image, runs: Number(values.runs), load: loadavg(), report})}\n`);
} finally {
  await rm(directory, {recursive: true});
}
