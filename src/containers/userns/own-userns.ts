import type {AddedAccount} from '../../bundle/add-account.ts';
import type {ContainerOptions} from '../../bundle/container-options.ts';
import {requireIdMappings} from '../../bundle/id-mappings.ts';
import {hasOwnUserns, type KeptId} from '../../bundle/userns-mode.ts';
import {WinchError} from '../../errors.ts';
import {findName} from '../../host/subordinate-ids.ts';
import {
  type IdMaps,
  isInitialUserNamespace,
  type MappedIds,
  readIdMaps,
  readOwnIds,
} from '../../host/user-namespace.ts';
import {findHostId, type IdMappings} from '../../oci/id-mappings.ts';
import type {RuntimeIdMapping} from '../../oci/runtime-spec.ts';

export interface OwnUserns {
  /** With a user where the mode says one and nobody else does. */
  readonly container: ContainerOptions;
  /** Of the container's user namespace; null: it has none of its own. */
  readonly mappings: IdMappings | null;
  /** A user of the machine whom the container is to know by name; null: nobody in particular. */
  readonly account: AddedAccount | null;
}

/**
 * The user namespace that a container is to have, as this process can make it.
 *
 * @throws {WinchError} `ID_MAPPING_INVALID` | `NAMESPACE_UNSUPPORTED`
 */
export function resolveUserns(container: ContainerOptions): OwnUserns {
  const {userns} = container;
  if (!hasOwnUserns(userns)) return {container, mappings: null, account: null};
  if ('keepId' in userns) return keepOwnId(container, userns);
  requireIdMappings(userns);
  requireRoot(userns);
  if (!isInitialUserNamespace()) requireOwnIds(userns, readIdMaps());
  return {container, mappings: userns, account: null};
}

function keepOwnId(container: ContainerOptions, {keepId}: KeptId): OwnUserns {
  if (isInitialUserNamespace()) {
    throw unsupported('root keeps its id in every container', 'choose a user with -u, or map ids with --uidmap');
  }
  const own = readOwnIds();
  const {uids, gids} = readIdMaps();
  const [uid, gid] = [keepId.uid ?? own.uid, keepId.gid ?? own.gid];
  const mappings = {uids: keepAt(uid, countOf(uids)), gids: keepAt(gid, countOf(gids))};
  requireIdMappings(mappings);
  requireRoot(mappings);
  const account = {name: findName(own.uid), uid, gid};
  return {container: {...container, user: container.user ?? `${uid}:${gid}`}, mappings, account};
}

/** As podman does it: the user, who is 0 in this namespace, moves up to `id`, and those before it by one. */
function keepAt(id: number, count: number): readonly RuntimeIdMapping[] {
  const others = count - 1;
  const before = Math.min(id, others);
  return [
    {containerID: 0, hostID: 1, size: before},
    {containerID: id, hostID: 0, size: 1},
    {containerID: id + 1, hostID: before + 1, size: others - before},
  ].filter(({size}) => size > 0);
}

const countOf = (ids: readonly MappedIds[]): number => {
  const ends = ids.toSorted((one, other) => one.inside - other.inside);
  let count = 0;
  for (const {inside, count: size} of ends) if (inside === count) count += size;
  return count;
};

/** Runtimes start a container as its root. */
function requireRoot({uids, gids}: IdMappings): void {
  if ([uids, gids].every((ranges) => findHostId(ranges, 0) !== null)) return;
  throw unsupported(
    'a container needs a root, and no id is left for it',
    isInitialUserNamespace() ? 'map 0 as well' : 'winch doctor tells how to get more ids',
  );
}

function requireOwnIds({uids, gids}: IdMappings, own: IdMaps): void {
  for (const [what, ranges, ids] of [['user', uids, own.uids] as const, ['group', gids, own.gids] as const]) {
    const last = countOf(ids);
    const missing = ranges.find(({hostID, size}) => hostID + size > last);
    if (missing === undefined) continue;
    throw new WinchError('ID_MAPPING_INVALID', `this user has no ${what} id ${missing.hostID + missing.size - 1}`, {
      kind: 'invalid',
      hint: `0 is the user, and 1 to ${last - 1} are the subordinate ids`,
    });
  }
  if ([uids, gids].every((ranges) => ranges.some(({hostID}) => hostID === 0))) return;
  // The container's root has to pass the user's directories on the way to its files.
  throw new WinchError('ID_MAPPING_INVALID', 'the user, who is 0 here, is not mapped', {
    kind: 'invalid',
    hint: 'give it an id in the container as well, as --userns keep-id does',
  });
}

const unsupported = (message: string, hint: string): WinchError =>
  new WinchError('NAMESPACE_UNSUPPORTED', message, {kind: 'unsupported', hint});
