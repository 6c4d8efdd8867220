import type {IdMappings} from '../oci/id-mappings.ts';

/**
 * Whose ids a container has: `host`, those of whoever starts it; a user's own one under the same number in the container,
 * or another; or those that the mappings say.
 */
export type UsernsMode = 'host' | KeptId | IdMappings;

export interface KeptId {
  /** What the user is in the container; absent: as outside. The command runs as that, when nothing else is said. */
  readonly keepId: {readonly uid?: number | undefined; readonly gid?: number | undefined};
}

/** Whether a container with this mode needs a user namespace of its own. */
export const hasOwnUserns = (mode: UsernsMode | undefined): mode is KeptId | IdMappings =>
  mode !== undefined && mode !== 'host';

/** All that `readUsernsMode` takes, for messages. */
export const USERNS_MODES = 'host, keep-id, keep-id:uid=N,gid=N';

/**
 * Reads docker's `host` and podman's `keep-id`.
 *
 * @returns undefined: as usual; null: not understood
 */
export function readUsernsMode(text: string): Exclude<UsernsMode, IdMappings> | undefined | null {
  if (text === '') return undefined;
  if (text === 'host') return text;
  const [, options] = /^keep-id(?::(.+))?$/.exec(text) ?? [];
  if (options === undefined) return text === 'keep-id' ? {keepId: {}} : null;
  const ids = options.split(',').map((option) => /^(uid|gid)=(\d{1,10})$/.exec(option));
  if (ids.includes(null)) return null;
  return {keepId: Object.fromEntries(ids.map((match) => [match?.[1], Number(match?.[2])]))};
}

/** As `readUsernsMode` takes it; mappings are podman's `private`. */
export function formatUsernsMode(mode: UsernsMode | undefined): string {
  if (mode === undefined || mode === 'host') return mode ?? '';
  if (!('keepId' in mode)) return 'private';
  const ids = Object.entries(mode.keepId).map(([name, id]) => `${name}=${id}`);
  return ids.length === 0 ? 'keep-id' : `keep-id:${ids.join(',')}`;
}

/** Podman's form of mappings. */
export const formatIdMappings = ({uids, gids}: IdMappings) => ({
  UidMap: uids.map(formatRange),
  GidMap: gids.map(formatRange),
});

const formatRange = ({containerID, hostID, size}: IdMappings['uids'][number]): string =>
  `${containerID}:${hostID}:${size}`;
