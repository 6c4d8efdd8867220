import type {MountRequest} from '../../bundle/container-options.ts';
import {parseMode} from './mount.ts';
import {parseSize} from './size.ts';
import {parseTarget} from './volume.ts';

/**
 * Reads `--tmpfs TARGET[:OPTIONS]` with mount's own options (`size=64m,mode=1777,noexec`).
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseTmpfs(text: string): MountRequest {
  const colon = text.indexOf(':');
  const target = parseTarget('--tmpfs', colon === -1 ? text : text.slice(0, colon));
  const words = colon === -1 ? [] : text.slice(colon + 1).split(',');
  const size = words.findLast((word) => word.startsWith('size='))?.slice('size='.length);
  const mode = words.findLast((word) => word.startsWith('mode='))?.slice('mode='.length);
  const others = words.filter((word) => word !== '' && !/^(?:size=|mode=|rw$|ro$)/.test(word));
  return {
    type: 'tmpfs',
    target,
    ...(words.includes('ro') && {readOnly: true}),
    ...(size !== undefined && {sizeBytes: parseSize('--tmpfs size', size)}),
    ...(mode !== undefined && {mode: parseMode('--tmpfs mode', mode)}),
    ...(others.length > 0 && {options: others}),
  };
}
