import {readUsernsMode, USERNS_MODES, type UsernsMode} from '../../bundle/userns-mode.ts';
import type {IdMappings} from '../../oci/id-mappings.ts';
import {grouped, list, type OptionValues, text} from '../arguments/option-table.ts';
import {flagInvalid, flagsConflict, quote} from '../arguments/usage-error.ts';

/** Flags that say which ids of this machine stand for those of a container, in the form of podman and umoci. */
export const ID_MAPPING_FLAGS = grouped('User namespace:', {
  uidmap: list('CONTAINER:HOST[:SIZE]', 'User ids of a user namespace (0:100000:65536); also those of the files'),
  gidmap: list('CONTAINER:HOST[:SIZE]', 'Group ids; what only one of the two says holds for both'),
});

/** The same for containers, which may also keep what they have. */
export const USERNS_FLAGS = {
  ...grouped('User namespace:', {userns: text('MODE', `Whose ids it has: ${USERNS_MODES}`, {defaultsTo: 'host'})}),
  ...ID_MAPPING_FLAGS,
};

/** @throws {WinchError} `FLAG_INVALID` | `FLAGS_CONFLICT` */
export function parseUserns({userns = '', ...values}: OptionValues<typeof USERNS_FLAGS>): UsernsMode | undefined {
  const mappings = parseIdMappings(values);
  if (mappings && userns !== '') {
    throw flagsConflict('--userns does not go with --uidmap and --gidmap', 'leave out one of them');
  }
  const mode = readUsernsMode(userns);
  if (mode === null) throw flagInvalid('--userns', `${quote(userns)} is none of ${USERNS_MODES}`, '--userns keep-id');
  return mappings ?? mode;
}

/**
 * Null: none is asked for.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseIdMappings({uidmap, gidmap}: OptionValues<typeof ID_MAPPING_FLAGS>): IdMappings | null {
  const uids = uidmap?.map((text) => parseRange('--uidmap', text));
  const gids = gidmap?.map((text) => parseRange('--gidmap', text));
  const either = uids ?? gids;
  return either ? {uids: uids ?? either, gids: gids ?? either} : null;
}

function parseRange(flag: string, text: string): IdMappings['uids'][number] {
  const match = /^(\d{1,10}):(\d{1,10})(?::(\d{1,10}))?$/.exec(text);
  if (!match) throw flagInvalid(flag, `${quote(text)} is not CONTAINER:HOST[:SIZE]`, `${flag} 0:100000:65536`);
  const [, containerID, hostID, size = 1] = match;
  return {containerID: Number(containerID), hostID: Number(hostID), size: Number(size)};
}
