import type {ContainerContext} from '../context.ts';
import {listConnections, readConnection, writeConnection} from './connection-note.ts';
import {lockNetworks} from './places.ts';
import {settleNetworks} from './settle.ts';

export interface RenamedMember {
  /** The container's directory in memory. */
  readonly directory: string;
  readonly name: string;
}

/** Tells the members of a container's networks its new name, in the place of the old one. */
export async function renameMember(context: ContainerContext, {directory, name}: RenamedMember): Promise<void> {
  using _lock = await lockNetworks(context);
  const connection = readConnection(directory);
  if (connection === null) return;
  writeConnection(directory, {...connection, name});
  await settleNetworks(context, listConnections(context), []);
}
