import {readFileSync, readlinkSync} from 'node:fs';
import {hasErrno} from '../errors.ts';

export interface NetworkTraffic {
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** Of /proc/net/dev, behind the name of the device: what it has received and sent. */
const COLUMNS = {received: 0, sent: 8};

/**
 * What has come and gone through the devices of a process's network, the loopback left out.
 *
 * @returns null where the process has no network of its own, or is gone.
 */
export function readNetworkTraffic(pid: number): NetworkTraffic | null {
  try {
    if (readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync('/proc/self/ns/net')) return null;
    return parseTraffic(readFileSync(`/proc/${pid}/net/dev`, 'utf8'));
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EINVAL')) return null;
    throw error;
  }
}

/** As {@link readNetworkTraffic}, from the text of such a file (proc_pid_net(5)). */
export function parseTraffic(text: string): NetworkTraffic {
  const devices = text.split('\n').flatMap((line) => {
    const [, name, values = ''] = /^\s*([^:\s]+):\s*(.*)$/.exec(line) ?? [];
    return name === undefined || name === 'lo' ? [] : [values.split(/\s+/).map(Number)];
  });
  const total = (column: number) => devices.reduce((sum, values) => sum + (values[column] ?? 0), 0);
  return {receivedBytes: total(COLUMNS.received), sentBytes: total(COLUMNS.sent)};
}
