import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {parseArgs} from 'node:util';
import {isSnapshotterName, SNAPSHOTTERS} from '../src/snapshots/snapshotter.ts';
import {passSignalsTo} from './helpers/ending-signals.ts';

const USAGE = `node test/drivers.ts [--drivers NAMES] [path filters]

Runs the tests that run containers, and all that go through the command, once under each snapshot driver
(${SNAPSHOTTERS.join(',')}), or those files alone whose path contains a filter. Build first: bin/winch.js runs dist/.
`;
const SUITES = ['test/containers/', 'test/e2e/'];

const SIGNALLED = 128;

/** Runs the tests under a driver. @returns the exit code: 0 where all pass */
async function runUnder(driver: string, filters: readonly string[]): Promise<number> {
  process.stdout.write(`\n== ${driver}\n`);
  const child = spawn(process.execPath, [`${import.meta.dirname}/run.ts`, ...filters], {
    stdio: 'inherit',
    env: {...process.env, WINCH_SNAPSHOTTER: driver},
  });
  passSignalsTo(child);
  const [code] = await once(child, 'exit');
  return code ?? SIGNALLED;
}

async function main(): Promise<number> {
  const {values, positionals} = parseArgs({
    allowPositionals: true,
    options: {drivers: {type: 'string', default: SNAPSHOTTERS.join(',')}, help: {type: 'boolean', default: false}},
  });
  const drivers = values.drivers.split(',');
  if (values.help || !drivers.every(isSnapshotterName)) {
    process.stdout.write(USAGE);
    return values.help ? 0 : 2;
  }
  const failed: string[] = [];
  for (const driver of drivers) {
    const code = await runUnder(driver, positionals.length > 0 ? positionals : SUITES);
    if (code >= SIGNALLED) return code;
    if (code !== 0) failed.push(driver);
  }
  process.stdout.write(failed.length === 0 ? '\nall drivers pass\n' : `\nfailed under ${failed.join(', ')}\n`);
  return failed.length === 0 ? 0 : 1;
}

process.exitCode = await main();
