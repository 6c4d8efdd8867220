import {join} from 'node:path';
import {WinchError} from '../../errors.ts';
import {isProgram} from '../../host/system-programs.ts';

/** Where distributions and the CNI project itself put the plugins. */
export const PLUGIN_DIRECTORIES: readonly string[] = ['/usr/lib/cni', '/opt/cni/bin', '/usr/libexec/cni'];

/**
 * The absolute path of a CNI plugin.
 *
 * @throws {WinchError} `NETWORK_PLUGIN_NOT_FOUND`
 */
export function findPlugin(type: string): string {
  const found = lookUp(type);
  if (found !== undefined) return found;
  throw new WinchError('NETWORK_PLUGIN_NOT_FOUND', `the CNI plugin ${type}, which networks need, is not installed`, {
    kind: 'unsupported',
    hint: 'install the plugins (apt-get install containernetworking-plugins), or use no network or that of the machine',
  });
}

export const isPluginInstalled = (type: string): boolean => lookUp(type) !== undefined;

const lookUp = (type: string): string | undefined =>
  PLUGIN_DIRECTORIES.map((directory) => join(directory, type)).find(isProgram);
