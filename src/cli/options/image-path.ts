import {WinchError} from '../../errors.ts';
import type {ImagePath} from '../../images/open-files.ts';
import {quote} from '../arguments/usage-error.ts';

/**
 * What `IMAGE:/path` names. The path begins at the first `:/`, which no reference has.
 *
 * @throws {WinchError} `IMAGE_PATH_INVALID`
 */
export function parseImagePath(word: string): ImagePath {
  const at = word.indexOf(':/');
  if (at > 0) return {reference: word.slice(0, at), path: word.slice(at + 1)};
  throw new WinchError('IMAGE_PATH_INVALID', `${quote(word)} names no file of an image`, {
    kind: 'invalid',
    hint: 'write IMAGE:/PATH, as in alpine:3.20:/etc/os-release; winch copy copies whole images',
  });
}
