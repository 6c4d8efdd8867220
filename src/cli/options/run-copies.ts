import {isAbsolute} from 'node:path';
import type {CopyIn, CopyOut} from '../../containers/files/run-copies.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {grouped, list, type OptionValues} from '../arguments/option-table.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';
import type {Environment} from '../environment.ts';
import {parseTarget} from './volume.ts';

/** Flags of runs that take files with them, and leave some. */
export const COPY_FLAGS = grouped('Files:', {
  'copy-in': list(
    'SOURCE:DIR',
    'Before it starts, copy SOURCE of this machine into DIR, or a directory as DIR where there is none (SOURCE/. for what is in it)',
  ),
  'copy-out': list('PATH:DEST', 'Copy files out to this machine when it has ended, also when the command failed'),
});

/** @throws {WinchError} `FLAG_INVALID` */
export const parseCopies = (
  values: OptionValues<typeof COPY_FLAGS>,
  environment: Environment,
): {readonly copyIn?: readonly CopyIn[]; readonly copyOut?: readonly CopyOut[]} =>
  definedMembers({
    copyIn: values['copy-in']?.map((text) => parseCopyIn(text, environment)),
    copyOut: values['copy-out']?.map((text) => parseCopyOut(text, environment)),
  });

/** The directory begins at the last `:/`: a path of this machine may have any characters. */
function parseCopyIn(text: string, environment: Environment): CopyIn {
  const at = text.lastIndexOf(':/');
  if (at < 1) throw flagInvalid('--copy-in', `${quote(text)} is not SOURCE:/DIR`, '--copy-in src/.:/work');
  return {source: pathOf(text.slice(0, at), environment), directory: parseTarget('--copy-in', text.slice(at + 1))};
}

function parseCopyOut(text: string, environment: Environment): CopyOut {
  const at = text.indexOf(':');
  if (!text.startsWith('/') || at < 2 || at === text.length - 1) {
    throw flagInvalid('--copy-out', `${quote(text)} is not /PATH:DEST`, '--copy-out /work/dist:.');
  }
  return {path: text.slice(0, at), destination: pathOf(text.slice(at + 1), environment)};
}

const pathOf = (path: string, environment: Environment): string =>
  isAbsolute(path) ? path : `${environment.workingDirectory()}/${path}`;
