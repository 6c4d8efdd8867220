import {readdirSync, readFileSync, rmSync} from 'node:fs';
import {isIP} from 'node:net';
import {join} from 'node:path';
import {hasErrno} from '../../errors.ts';

export interface AddressHolder {
  /** Name of the network. */
  readonly network: string;
  readonly containerId: string;
  /** The device in the container. */
  readonly device: string;
}

/**
 * Frees the addresses that the plugin `host-local` has given a device, where the plugin itself cannot be asked: a file for
 * each, called as the address, that names its holder.
 *
 * @param directory The `dataDir` of the plugin's configuration.
 * @see https://www.cni.dev/plugins/v1.1/ipam/host-local/#files
 */
export function freeAddress(directory: string, {network, containerId, device}: AddressHolder): void {
  const own = join(directory, network);
  for (const name of list(own).filter((file) => isIP(file) !== 0)) {
    const [holder, heldDevice] = readFileSync(join(own, name), 'utf8').trim().split(/\r?\n/);
    if (holder === containerId && heldDevice === device) rmSync(join(own, name), {force: true});
  }
}

function list(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return [];
    throw error;
  }
}
