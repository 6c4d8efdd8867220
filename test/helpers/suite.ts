import {setTimeout as sleep} from 'node:timers/promises';
import {suite as uvuSuite} from 'uvu';
import {endStarted, listStarted} from './started-processes.ts';

const DEFAULT_TIMEOUT_MS = 60_000;
/** For a test whose time is up, to give back what it holds. */
const DISPOSAL_MS = 5000;

export interface SuiteTools {
  /** Adds a test; its title is a behaviour. */
  test(title: string, body: () => unknown, options?: TestOptions): void;
  /** Runs before the first test; a throw fails every test of the suite instead of passing in silence. */
  before(hook: () => unknown): void;
  /** Runs after the last test; a throw is a failing test of its own. */
  after(hook: () => unknown): void;
}

export interface TestOptions {
  readonly timeoutMs?: number;
  /** Why this test cannot run here; printed, and the test is counted as skipped. */
  readonly skip?: string | undefined;
}

export interface Tally {
  readonly declared: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const tally = {declared: 0, passed: 0, failed: 0, skipped: 0};
const skipReasons: string[] = [];

/** How the tests of this process have ended so far. */
export const readTally = (): Tally => ({...tally});

/** Why the tests of this process that were skipped were, each by itself. */
export const readSkipReasons = (): readonly string[] => [...skipReasons];

/**
 * Declares and runs a suite.
 *
 * Closes uvu's silent successes: a forgotten `run()` (there is none to forget), an empty suite, a throwing `before`
 * (uvu would exit 0), a throwing `after` (uvu would kill the run), and a test that never ends.
 */
export function describe(name: string, body: (tools: SuiteTools) => void): void {
  const declared = collect(body);
  const suite = uvuSuite(name);
  const add = (title: string, run: () => Promise<void>) => {
    tally.declared += 1;
    suite(title, async () => {
      try {
        await run();
        tally.passed += 1;
      } catch (error) {
        tally.failed += 1;
        throw forUvu(error);
      }
    });
  };
  let setupError: unknown;
  let isSetUp = false;
  const setUp = async () => {
    if (isSetUp) return;
    isSetUp = true;
    try {
      for (const hook of declared.befores) await hook();
    } catch (error) {
      setupError = error ?? new Error('before threw nothing');
    }
  };
  if (declared.tests.length === 0) add('has tests', async () => fail(`suite ${name} declares no test`));
  for (const {title, run, options} of declared.tests) {
    if (options.skip !== undefined) {
      tally.declared += 1;
      tally.skipped += 1;
      skipReasons.push(options.skip);
      suite.skip(`${title} (skipped: ${options.skip})`);
      process.stderr.write(`skipped: ${name} › ${title}: ${options.skip}\n`);
      continue;
    }
    add(title, async () => {
      await setUp();
      if (setupError !== undefined) throw setupError;
      await withTimeout(run, options.timeoutMs ?? DEFAULT_TIMEOUT_MS, `${name} › ${title}`);
    });
  }
  const isAllSkipped = declared.tests.every(({options}) => options.skip !== undefined);
  if (declared.afters.length > 0 && !isAllSkipped) {
    add('leaves nothing behind (after hooks)', async () => {
      for (const hook of declared.afters) await hook();
    });
  }
  suite.run();
}

function collect(body: (tools: SuiteTools) => void) {
  const befores: (() => unknown)[] = [];
  const afters: (() => unknown)[] = [];
  const tests: {title: string; run: () => unknown; options: TestOptions}[] = [];
  body({
    test: (title, run, options = {}) => void tests.push({title, run, options}),
    before: (hook) => void befores.push(hook),
    after: (hook) => void afters.push(hook),
  });
  return {befores, afters, tests};
}

/** uvu takes `details` for a text and dies in the middle of the run where it is none, as in a WinchError. */
function forUvu(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  if (error instanceof SuppressedError) return describeBoth(error);
  if (!('details' in error) || typeof error.details === 'string') return error;
  const code = 'code' in error ? `${error.code}: ` : '';
  const plain = new Error(`${code}${error.message}`, {cause: error});
  if (error.stack !== undefined) plain.stack = error.stack;
  return plain;
}

/** What went wrong first says more than what then could not be disposed of. */
function describeBoth({suppressed, error}: SuppressedError): Error {
  const [first, second] = [suppressed, error].map(forUvu);
  return new Error(`${first?.stack}\n\nand then, in disposing: ${second?.stack}`, {cause: suppressed});
}

async function withTimeout(run: () => unknown, milliseconds: number, title: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${title}: not finished after ${milliseconds} ms`)), milliseconds);
  });
  const startedBefore = listStarted();
  const running = Promise.resolve().then(run);
  try {
    await Promise.race([running, expired]);
  } catch (error) {
    // A test that is still running waits for what it has started, and disposes of it then.
    await endStarted(startedBefore);
    await Promise.race([running.catch(() => {}), sleep(DISPOSAL_MS, undefined, {ref: false})]);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function fail(message: string): never {
  throw new Error(message);
}
