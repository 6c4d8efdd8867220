import {WinchError} from '../errors.ts';
import {type ByteString, displayBytes} from './byte-string.ts';

export type RefusalCode =
  | 'TAR_INVALID'
  | 'TAR_PATH'
  | 'TAR_LINK'
  | 'TAR_LIMIT'
  | 'TAR_SPARSE'
  | 'WHITEOUT_INVALID'
  | 'LAYER_COMPRESSION_INVALID'
  | 'LAYER_TOC_INVALID'
  | 'LAYER_UNSUPPORTED'
  | 'LIMIT_UNPACKED';

const HINTS: Readonly<Record<RefusalCode, string>> = {
  TAR_INVALID: 'the layer is damaged or was made by a broken tool; rebuild the image',
  TAR_PATH: 'the image is broken or hostile; nothing was written outside the store',
  TAR_LINK: 'the image is broken or hostile; nothing was written outside the store',
  TAR_LIMIT: 'no known tool makes such a layer; rebuild the image',
  TAR_SPARSE: 'rebuild the layer without sparse files (tar without --sparse)',
  WHITEOUT_INVALID: 'the image is broken or hostile; rebuild it',
  LAYER_COMPRESSION_INVALID: 'pull again; if it stays, the image is damaged at its source',
  LAYER_TOC_INVALID: 'pull the image: a pull reads the layer itself, and no table of it',
  LAYER_UNSUPPORTED: 'the kernel would have to trust it: only what is made here of a tar is mounted',
  LIMIT_UNPACKED: 'free space or raise the limit',
};

/** A failure of kind `refused`: what a layer holds breaks a rule or a limit. */
export const layerRefusal = (code: RefusalCode, message: string, cause?: unknown): WinchError =>
  new WinchError(code, message, {kind: 'refused', hint: HINTS[code], cause});

/** As {@link layerRefusal}, about one entry: `tar entry "path" <reason>`. */
export const entryRefusal = (code: RefusalCode, path: ByteString, reason: string): WinchError =>
  layerRefusal(code, `tar entry ${displayBytes(path)} ${reason}`);
