import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {globSync} from 'node:fs';
import {availableParallelism} from 'node:os';
import {relative} from 'node:path';
import {createInterface} from 'node:readline';
import {passSignalsTo} from './helpers/ending-signals.ts';
import type {FileReport} from './run-files.ts';

/** As in run-files.ts, which cannot be imported without running. */
const REPORT_MARK = '\u0000report ';
/** How many of the slowest files are named at the end. */
const LISTED = 12;
/** Above it stand the exit codes of what a signal has ended. */
const SIGNALLED = 128;
const RUNNER = `${import.meta.dirname}/run-files.ts`;

/** Runs every test file (or those whose path contains an argument), in as many processes as there are processors. */
async function runTests(filters: readonly string[]): Promise<void> {
  const files = globSync('**/*.test.ts', {cwd: import.meta.dirname})
    .map((file) => `${import.meta.dirname}/${file}`)
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .toSorted();
  const waiting = [...files];
  // Neighbours test the same, and wait for the same locks of the machine's networks.
  const takeFor = (index: number) => () => (index % 2 === 0 ? waiting.shift() : waiting.pop());
  const processes = Math.min(availableParallelism(), files.length);
  const results = await Promise.all(Array.from({length: processes}, (_, index) => runInProcess(takeFor(index))));
  summarize(files, results.flat());
}

/** One process, which gets the next file when it has done one; it prints what a file printed when the file is done. */
async function runInProcess(takeNext: () => string | undefined): Promise<readonly FileReport[]> {
  const child = spawn(process.execPath, [RUNNER], {stdio: ['pipe', 'pipe', 'inherit']});
  passSignalsTo(child);
  const exited = once(child, 'exit');
  const reports: FileReport[] = [];
  const giveNext = () => {
    const next = takeNext();
    if (next === undefined) child.stdin.end();
    else child.stdin.write(`${next}\n`);
  };
  giveNext();
  let printed = '';
  for await (const line of createInterface(child.stdout)) {
    if (!line.includes(REPORT_MARK)) {
      printed += `${line}\n`;
      continue;
    }
    const [rest = '', report = ''] = line.split(REPORT_MARK);
    process.stdout.write(`${printed}${rest}\n`);
    printed = '';
    reports.push(JSON.parse(report));
    giveNext();
  }
  process.stdout.write(printed);
  const [code, signal] = await exited;
  if (code > SIGNALLED) process.exitCode = code;
  else if (code !== 0) throw new Error(`a process of the tests ended with ${signal ?? `code ${code}`}`);
  return reports;
}

function summarize(files: readonly string[], reports: readonly FileReport[]): void {
  const sum = (key: keyof FileReport['tally']) => reports.reduce((total, {tally}) => total + tally[key], 0);
  const [declared, passed, failed, skipped] = [sum('declared'), sum('passed'), sum('failed'), sum('skipped')];
  const problems = [
    ...files.filter((file) => !reports.some((report) => report.file === file)).map((file) => `${file} did not end`),
    ...reports.filter(({tally}) => tally.declared === 0).map(({file}) => `no suite in ${file}`),
    ...(declared > passed + failed + skipped ? [`${declared - passed - failed - skipped} tests did not run`] : []),
  ];
  if (reports.length > LISTED) process.stdout.write(`slowest: ${listSlowest(reports).join(', ')}\n`);
  process.stdout.write(listSkipped(reports).join(''));
  process.stdout.write(`${problems.map((problem) => `${problem}\n`).join('')}`);
  process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  if (problems.length > 0 || failed > 0 || passed === 0) process.exitCode ??= 1;
}

const listSlowest = (reports: readonly FileReport[]): readonly string[] =>
  reports
    .toSorted((one, other) => other.seconds - one.seconds)
    .slice(0, LISTED)
    .map(({file, seconds}) => `${relative(import.meta.dirname, file)} ${Math.round(seconds)} s`);

/** A line for each reason, with the files and how many tests of each. */
function listSkipped(reports: readonly FileReport[]): readonly string[] {
  const reasons = new Set(reports.flatMap(({skipReasons}) => skipReasons));
  return [...reasons].toSorted().map((reason) => {
    const counts = reports.map(({file, skipReasons}) => ({
      file,
      count: skipReasons.filter((one) => one === reason).length,
    }));
    const files = counts
      .filter(({count}) => count > 0)
      .map(({file, count}) => `${relative(import.meta.dirname, file)} ${count}`);
    return `skipped, ${reason}: ${files.join(', ')}\n`;
  });
}

await runTests(process.argv.slice(2));
