import {existsSync} from 'node:fs';
import {WinchError} from '../errors.ts';
import {runCommand} from '../host/run-command.ts';
import {findSystemProgram, SYSTEM_PATH} from '../host/system-programs.ts';
import {excerpt} from '../oci/excerpt.ts';

/**
 * Removes a bridge of this machine; it may be gone already.
 *
 * @throws {WinchError} `NETWORK_FAILED`
 */
export async function deleteBridge(name: string): Promise<void> {
  if (!existsSync(`/sys/class/net/${name}/bridge`)) return;
  const ip = findSystemProgram('ip');
  if (ip === null) throw failed(name, 'the program ip is not installed', 'install it (apt-get install iproute2)');
  const {exitCode, stderr} = await runCommand(ip, ['link', 'delete', name, 'type', 'bridge'], {
    environment: {PATH: SYSTEM_PATH},
  });
  if (exitCode !== 0 && existsSync(`/sys/class/net/${name}`)) throw failed(name, excerpt(stderr.trim()));
}

const failed = (name: string, problem: string, hint?: string): WinchError =>
  new WinchError('NETWORK_FAILED', `the bridge ${name} cannot be removed: ${problem}`, {
    kind: 'runtime',
    ...(hint !== undefined && {hint}),
  });
