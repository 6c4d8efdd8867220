import {spawnSync} from 'node:child_process';
import {ENVIRONMENT} from './runtime-process.ts';

const LIMIT_MS = 5000;

/** What a runtime prints of itself; empty when it does not start, or takes too long. @param path An absolute one. */
export function askRuntime(path: string, words: readonly string[]): string {
  const {stdout} = spawnSync(path, words, {
    env: ENVIRONMENT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: LIMIT_MS,
  });
  return stdout ?? '';
}
