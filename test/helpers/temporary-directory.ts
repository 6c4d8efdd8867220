import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

export interface TemporaryDirectory extends Disposable {
  readonly path: string;
}

/** An empty directory that goes with everything in it when it is disposed of. */
export function makeTemporaryDirectory(): TemporaryDirectory {
  const path = mkdtempSync(join(tmpdir(), 'winch-test-'));
  return {path, [Symbol.dispose]: () => rmSync(path, {recursive: true, force: true})};
}
