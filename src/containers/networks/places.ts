import {createHash} from 'node:crypto';
import {join} from 'node:path';
import {type Lock, openLockDirectory} from '../../host/locks.ts';
import type {ContainerContext} from '../context.ts';

const TAG_DIGITS = 8;

/** What is known of networks until the machine restarts, as are the devices and rules themselves. */
const directoryOf = ({runtimeDirectory}: ContainerContext): string => join(runtimeDirectory, 'networks');

/** Where the plugin `host-local` notes which addresses are taken: a directory for each network. */
export const addressDirectory = (context: ContainerContext): string => join(directoryOf(context), 'addresses');

/** The default network as long as somebody uses it. */
export const defaultNetworkFile = (context: ContainerContext): string => join(directoryOf(context), 'default.json');

/** Held by whoever connects or disconnects a container, or changes which networks there are. */
export const lockNetworks = ({runtimeDirectory}: ContainerContext, signal?: AbortSignal): Promise<Lock> =>
  openLockDirectory(join(runtimeDirectory, 'locks')).acquire('networks', {mode: 'exclusive', signal});

/** What tells the bridges and chains of this store from those of another one on the same machine. */
export const storeTag = ({runtimeDirectory}: ContainerContext, ...more: readonly string[]): string =>
  createHash('sha256')
    .update([runtimeDirectory, ...more].join('\0'))
    .digest('hex')
    .slice(0, TAG_DIGITS);
