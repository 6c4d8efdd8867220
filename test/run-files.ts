import {relative} from 'node:path';
import {createInterface} from 'node:readline';
import {pathToFileURL} from 'node:url';
import {beforeEnding} from './helpers/ending-signals.ts';
import {endStarted} from './helpers/started-processes.ts';
import type {Tally} from './helpers/suite.ts';

/** What one test file came to; a line of its own on standard output, behind all that the file printed. */
export interface FileReport {
  readonly file: string;
  readonly tally: Tally;
  readonly seconds: number;
  /** Why tests were skipped, each by itself. */
  readonly skipReasons: readonly string[];
}

/** Stands in front of a report; no test prints it. */
export const REPORT_MARK = '\u0000report ';

const LINGER_MS = 10_000;

// uvu looks at this while it loads: with it, suites wait to be run instead of starting by themselves.
Object.assign(globalThis, {UVU_DEFER: 1, UVU_INDEX: 0});
await import('uvu');
const {readTally, readSkipReasons} = await import('./helpers/suite.ts');

/** uvu's own queue: groups of suites, each a function that runs one and gives its failures first. */
const groups = (): (() => Promise<readonly [string | true]>)[][] =>
  (globalThis as unknown as {UVU_QUEUE: (() => Promise<readonly [string | true]>)[][]}).UVU_QUEUE;

beforeEnding(() => endStarted());

/** Runs the test files whose paths are the lines of standard input, one after the other, each to its end. */
for await (const file of createInterface(process.stdin)) {
  groups().splice(0, Number.POSITIVE_INFINITY, []);
  process.stdout.write(`${relative(import.meta.dirname, file)}\n`);
  const [before, skipsBefore, started] = [readTally(), readSkipReasons().length, performance.now()];
  await import(pathToFileURL(file).href);
  for (const runSuite of groups()[0] ?? []) {
    const [failures] = await runSuite();
    if (failures !== true) process.stdout.write(`\n${failures}\n`);
  }
  const after = readTally();
  const tally = {
    declared: after.declared - before.declared,
    passed: after.passed - before.passed,
    failed: after.failed - before.failed,
    skipped: after.skipped - before.skipped,
  };
  const seconds = (performance.now() - started) / 1000;
  report({file, tally, seconds, skipReasons: readSkipReasons().slice(skipsBefore)});
}
setTimeout(() => {
  process.stdout.write(`still open after the last test: ${process.getActiveResourcesInfo().join(', ')}\n`);
  process.exit(1);
}, LINGER_MS).unref();

function report(result: FileReport): void {
  process.stdout.write(`${REPORT_MARK}${JSON.stringify(result)}\n`);
}
