import {WinchError} from '../errors.ts';
import {findHostId, type IdMappings} from '../oci/id-mappings.ts';
import {type ByteString, displayBytes} from './byte-string.ts';
import type {FileNode} from './file-tree.ts';
import type {OwnerMap} from './plan-rootfs.ts';

/**
 * Who owns an image's files on the host, once the container's ids are mapped.
 *
 * @throws {WinchError} `OWNER_UNMAPPED` naming a file whose owner has no id there: with another one, the container would
 * see a file of nobody's, or somebody else's.
 */
export function mapOwners(root: FileNode, {uids, gids}: IdMappings): OwnerMap {
  requireMapped(root, [], {uids, gids});
  const hostUids = new Map<number, number>();
  const hostGids = new Map<number, number>();
  return ({uid, gid}) => ({
    uid: hostUids.get(uid) ?? remember(hostUids, uid, findHostId(uids, uid)),
    gid: hostGids.get(gid) ?? remember(hostGids, gid, findHostId(gids, gid)),
  });
}

function remember(known: Map<number, number>, id: number, found: number | null): number {
  if (found === null) throw new Error(`the owner ${id} was found to be mapped`);
  known.set(id, found);
  return found;
}

function requireMapped(node: FileNode, path: readonly ByteString[], mappings: IdMappings): void {
  const {uid, gid} = node;
  if (findHostId(mappings.uids, uid) === null) throw unmapped(path, `user ${uid}`);
  if (findHostId(mappings.gids, gid) === null) throw unmapped(path, `group ${gid}`);
  for (const [name, child] of node.entries ?? []) requireMapped(child, [...path, name], mappings);
}

const unmapped = (path: readonly ByteString[], owner: string): WinchError =>
  new WinchError('OWNER_UNMAPPED', `${displayBytes(`/${path.join('/')}`)} belongs to ${owner}, who is not mapped`, {
    kind: 'invalid',
    hint: 'map all ids that own files of the image',
  });
