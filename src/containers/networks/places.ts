import {createHash} from 'node:crypto';
import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {type Lock, openLockDirectory} from '../../host/locks.ts';
import {namesIn} from '../../store/unless-gone.ts';
import type {ContainerContext} from '../context.ts';

const TAG_DIGITS = 8;

/** What is known of networks until the machine restarts, as are the devices and rules themselves. */
const directoryOf = ({runtimeDirectory}: ContainerContext): string => join(runtimeDirectory, 'networks');

/** Where the plugin `host-local` notes which addresses are taken: a directory for each network. */
export const addressDirectory = (context: ContainerContext): string => join(directoryOf(context), 'addresses');

/** The default network as long as somebody uses it. */
export const defaultNetworkFile = (context: ContainerContext): string => join(directoryOf(context), 'default.json');

/** Networks of which something could not be cleared from the machine; else not there. */
export const leftFile = (context: ContainerContext): string => join(directoryOf(context), 'left.json');

/** What `writeFileAtomic` writes before it renames it. */
const STAGED = /\.json\.[0-9a-f]+\.tmp$/;

/**
 * Held by whoever connects or disconnects a container, or changes which networks there are. What a killed process was
 * writing is removed.
 */
export async function lockNetworks(context: ContainerContext, signal?: AbortSignal): Promise<Lock> {
  const locks = openLockDirectory(join(context.runtimeDirectory, 'locks'));
  const lock = await locks.acquire('networks', {mode: 'exclusive', signal});
  for (const directory of [directoryOf(context), context.store.paths.networks]) {
    for (const name of namesIn(directory)) if (STAGED.test(name)) rmSync(join(directory, name), {force: true});
  }
  return lock;
}

/** What the names of this store's chains in the firewall begin with. */
export const firewallTag = (context: ContainerContext): string => `WINCH-${storeTag(context)}`;

/** What tells the bridges and chains of this store from those of another one on the same machine. */
export const storeTag = ({runtimeDirectory}: ContainerContext, ...more: readonly string[]): string =>
  createHash('sha256')
    .update([runtimeDirectory, ...more].join('\0'))
    .digest('hex')
    .slice(0, TAG_DIGITS);
