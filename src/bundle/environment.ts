import {WinchError} from '../errors.ts';
import type {ImageConfig} from '../oci/image-config.ts';
import type {ContainerOptions} from './container-options.ts';

/** What docker gives images that name no PATH. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface EnvironmentInput {
  readonly image: ImageConfig | null;
  readonly options: ContainerOptions;
  readonly hostname: string;
  /** Home directory of the container's user. */
  readonly home: string;
}

/**
 * The environment of the first process: defaults (PATH, HOSTNAME, HOME, and TERM with a terminal), then the image's,
 * then the caller's. A later value takes the place of an earlier one. Nothing of winch's own environment gets in.
 *
 * @throws {WinchError} `ENVIRONMENT_INVALID`: an entry without a name or `=`, or with a NUL byte.
 */
export function createEnvironment({image, options, hostname, home}: EnvironmentInput): readonly string[] {
  const terminal = options.terminal === true ? ['TERM=xterm'] : [];
  const defaults = [`PATH=${DEFAULT_PATH}`, `HOSTNAME=${hostname}`, ...terminal, `HOME=${home}`];
  return mergeEnvironment([...defaults, ...(image?.config.Env ?? []), ...(options.environment ?? [])]);
}

/**
 * `NAME=value` entries, each name once; a later value takes the place of an earlier one.
 *
 * @throws {WinchError} `ENVIRONMENT_INVALID`
 */
export function mergeEnvironment(entries: readonly string[]): readonly string[] {
  const merged = new Map<string, string>();
  for (const entry of entries) merged.set(nameOf(entry), entry);
  return [...merged.values()];
}

function nameOf(entry: string): string {
  const end = entry.indexOf('=');
  if (end > 0 && !entry.includes('\0')) return entry.slice(0, end);
  // The value may be a secret, so only what stands before it is named.
  const shown = end === -1 ? entry.slice(0, 80) : entry.slice(0, end);
  throw new WinchError('ENVIRONMENT_INVALID', `environment entry "${shown}" is not of the form NAME=value`, {
    kind: 'invalid',
  });
}
