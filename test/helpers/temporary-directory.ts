import {spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {readAccount} from '../../src/host/account.ts';
import {planUserNamespace} from '../../src/host/plan-user-namespace.ts';

export interface TemporaryDirectory extends Disposable {
  readonly path: string;
}

/** An empty directory that goes with everything in it when it is disposed of. */
export function makeTemporaryDirectory(): TemporaryDirectory {
  const path = mkdtempSync(join(tmpdir(), 'winch-test-'));
  return {path, [Symbol.dispose]: () => remove(path)};
}

/** Without root, what was extracted for runs belongs to ids that a user has in a user namespace only. */
function remove(path: string): void {
  try {
    rmSync(path, {recursive: true, force: true});
  } catch (error) {
    if (process.getuid?.() === 0) throw error;
    for (const {words} of planUserNamespace(readAccount())) {
      const [program = '', ...rest] = [...words, 'rm', '-rf', '--', path];
      if (spawnSync(program, rest).status === 0) return;
    }
    throw error;
  }
}
