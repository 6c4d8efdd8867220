import {text} from '../arguments/option-table.ts';
import {parseInteger} from './number.ts';

/** Flag of commands that read what a name leads to. */
export const REMOTE_PLATFORM_FLAG = {
  platform: text('OS/ARCH[/VARIANT]', 'Follow an index to the manifest for this platform (linux/arm64)'),
};

/** Flag of commands that read the image for one platform. */
export const IMAGE_PLATFORM_FLAG = {
  platform: text('OS/ARCH[/VARIANT]', 'Another platform than this machine (linux/arm64)'),
};

/** Flag of commands that print bytes. */
export const OUTPUT_FLAG = {
  output: text('FILE', 'Write to a file, which appears when it is whole', {short: 'o', defaultsTo: 'standard output'}),
};

/** Flags of commands that list what a registry keeps in its own order. */
export const LIST_FLAGS = {
  limit: text('NUMBER', 'Print at most so many, after filters and order'),
  last: text('NAME', "Begin after this one, in the registry's order"),
};

/**
 * What `--limit` says.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export const parseLimit = (limit: string | undefined): number | undefined =>
  limit === undefined ? undefined : parseInteger('--limit', limit, {minimum: 1});
