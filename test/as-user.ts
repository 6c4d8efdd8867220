import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {chownSync, mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {passSignalsTo} from './helpers/ending-signals.ts';
import {makeTemporaryDirectory} from './helpers/temporary-directory.ts';
import {openUser, USER} from './helpers/unprivileged-user.ts';

/** Where tests run as a user that need nothing but `winch` and what the user has. */
const DEFAULT_FILTERS = ['e2e/'];

/**
 * Runs the end-to-end tests (or those whose path contains a word), tests and all, as a user without privileges, who has
 * subordinate ids. Tests that need root say so and are skipped.
 */
async function runAsUser(filters: readonly string[]): Promise<void> {
  using directory = makeTemporaryDirectory();
  const home = join(directory.path, 'home');
  mkdirSync(home);
  for (const path of [directory.path, home]) chownSync(path, USER, USER);
  await using user = await openUser(directory.path);
  const [program = '', ...words] = [...user.within, process.execPath, `${import.meta.dirname}/run.ts`, ...filters];
  const variables = {HOME: home, TMPDIR: directory.path, XDG_CACHE_HOME: join(home, '.cache')};
  const env = {...process.env, ...variables, WINCH_TEST_AS_USER: 'true'};
  const child = spawn(program, words, {stdio: 'inherit', env});
  passSignalsTo(child);
  const [code, signal] = await once(child, 'exit');
  process.exitCode = signal === null ? code : 1;
}

const filters = process.argv.slice(2);
await runAsUser(filters.length === 0 ? DEFAULT_FILTERS : filters);
