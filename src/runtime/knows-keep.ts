import {spawnSync} from 'node:child_process';
import {basename} from 'node:path';
import {ENVIRONMENT} from './runtime-process.ts';

const LIMIT_MS = 5000;

/**
 * Whether a runtime can keep a container that has ended, of which nobody learns otherwise that it wanted memory. Debian
 * 12's crun (1.8) runs nothing with that flag, Debian 13's (1.21) knows it.
 */
export function knowsKeep(runtimePath: string): boolean {
  if (basename(runtimePath) === 'runc') return true;
  const {stdout} = spawnSync(runtimePath, ['run', '--help'], {
    env: ENVIRONMENT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: LIMIT_MS,
  });
  return /--keep(?![\w-])/.test(stdout ?? '');
}
