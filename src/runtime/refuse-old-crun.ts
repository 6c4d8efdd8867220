import {basename} from 'node:path';
import {WinchError} from '../errors.ts';
import {askRuntime} from './ask-runtime.ts';

const HARMLESS_MINOR = 24;

/**
 * Refuses runtimes that give devices of the machine away with a user namespace: crun before 1.24 makes the container's
 * root the owner of its standard streams, of the machine's `/dev/null` as well (containers/crun#1845).
 *
 * @throws {WinchError} `RUNTIME_UNSUPPORTED`
 */
export function refuseOldCrun(path: string): void {
  if (basename(path) === 'runc') return;
  const text = askRuntime(path, ['--version']);
  const [, minor] = /^crun version 1\.(\d+)/m.exec(text) ?? /^crun version (0)\./m.exec(text) ?? [];
  if (minor === undefined || Number(minor) >= HARMLESS_MINOR) return;
  throw new WinchError('RUNTIME_UNSUPPORTED', `${path} would give the machine's /dev/null to the container's root`, {
    kind: 'unsupported',
    hint: `crun does so before 1.${HARMLESS_MINOR}: use a newer one, or runc`,
  });
}
