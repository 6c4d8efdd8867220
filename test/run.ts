import {globSync} from 'node:fs';
import {relative} from 'node:path';
import {pathToFileURL} from 'node:url';

// uvu looks at this while it loads: with it, suites wait for `exec` instead of starting by themselves.
Object.assign(globalThis, {UVU_DEFER: 1});
const {exec} = await import('uvu');
const {readTally} = await import('./helpers/suite.ts');

const LINGER_MS = 10_000;

/** Runs every test file (or those whose path contains an argument) in this process, one after the other. */
async function runTests(filters: readonly string[]): Promise<void> {
  const files = globSync('**/*.test.ts', {cwd: import.meta.dirname})
    .map((file) => `${import.meta.dirname}/${file}`)
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .toSorted();
  const silent: string[] = [];
  for (const [index, file] of files.entries()) {
    Object.assign(globalThis, {UVU_INDEX: index});
    queue().push([relative(import.meta.dirname, file)]);
    const before = readTally().declared;
    await import(pathToFileURL(file).href);
    if (readTally().declared === before) silent.push(file);
  }
  await exec();
  report(silent);
}

/** uvu's own queue of files, each a name followed by its suites. */
const queue = (): unknown[][] => (globalThis as unknown as {UVU_QUEUE: unknown[][]}).UVU_QUEUE;

function report(silent: readonly string[]): void {
  const {declared, passed, failed, skipped} = readTally();
  for (const file of silent) process.stdout.write(`no suite in ${file}\n`);
  const unrun = declared - passed - failed - skipped;
  if (unrun > 0) process.stdout.write(`${unrun} tests did not run\n`);
  process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  if (silent.length > 0 || unrun > 0 || failed > 0 || passed === 0) process.exitCode = 1;
  setTimeout(() => {
    process.stdout.write(`still open after the last test: ${process.getActiveResourcesInfo().join(', ')}\n`);
    process.exit(1);
  }, LINGER_MS).unref();
}

await runTests(process.argv.slice(2));
