import {mkdirSync, readFileSync, renameSync, writeFileSync} from 'node:fs';
import {release} from 'node:os';
import {join} from 'node:path';
import {hasErrno} from '../errors.ts';
import {readBootId} from '../host/boot-id.ts';
import {randomHex} from '../host/random-hex.ts';
import {isInitialUserNamespace} from '../host/user-namespace.ts';
import {isSnapshotterName, type SnapshotterName} from './snapshotter.ts';

/** What a probe has found. */
export interface RememberedProbe {
  readonly name: SnapshotterName;
  /** Why it is not the first one. */
  readonly reason: string | null;
}

const FILE = 'snapshotter.json';

/** What was found since this kernel was started; null: nothing. */
export function recallProbe(runtimeDirectory: string): RememberedProbe | null {
  try {
    const {kernel, boot, isInitial, name, reason} = JSON.parse(readFileSync(join(runtimeDirectory, FILE), 'utf8'));
    // Root of a user namespace can mount what its user cannot, and less than root.
    const isCurrent = kernel === release() && boot === readBootId() && isInitial === isInitialUserNamespace();
    return isCurrent && typeof name === 'string' && isSnapshotterName(name) ? {name, reason: reason ?? null} : null;
  } catch (error) {
    // A file that cannot be understood is as good as none.
    if (error instanceof SyntaxError || hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return null;
    throw error;
  }
}

/** For the user's own later commands, until the machine starts again. */
export function rememberProbe(runtimeDirectory: string, {name, reason}: RememberedProbe): void {
  mkdirSync(runtimeDirectory, {recursive: true, mode: 0o700});
  const path = join(runtimeDirectory, FILE);
  const staging = `${path}.${randomHex(4)}`;
  const facts = {kernel: release(), boot: readBootId(), isInitial: isInitialUserNamespace(), name, reason};
  writeFileSync(staging, `${JSON.stringify(facts)}\n`, {mode: 0o600});
  renameSync(staging, path);
}
