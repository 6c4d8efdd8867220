import {readFileSync, readlinkSync} from 'node:fs';
import {hasErrno} from '../errors.ts';

export interface NetworkTraffic {
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** In one direction. */
export interface DeviceCounters {
  readonly bytes: number;
  readonly packets: number;
  readonly errors: number;
  readonly dropped: number;
}

export interface DeviceTraffic {
  /** `eth0` */
  readonly device: string;
  readonly received: DeviceCounters;
  readonly sent: DeviceCounters;
}

/** Of /proc/net/dev, behind the name of the device: where the columns of a direction begin. */
const COLUMNS = {received: 0, sent: 8};

/**
 * What has come and gone through the devices of a process's network, the loopback left out.
 *
 * @returns null where the process has no network of its own, or is gone.
 */
export function readNetworkTraffic(pid: number): NetworkTraffic | null {
  const devices = readDeviceTraffic(pid);
  return devices && sumOf(devices);
}

/** As {@link readNetworkTraffic}, by device. */
export function readDeviceTraffic(pid: number): readonly DeviceTraffic[] | null {
  try {
    if (readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync('/proc/self/ns/net')) return null;
    return parseTraffic(readFileSync(`/proc/${pid}/net/dev`, 'utf8'));
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EINVAL')) return null;
    throw error;
  }
}

/** As {@link readDeviceTraffic}, from the text of such a file (proc_pid_net(5)). */
export function parseTraffic(text: string): readonly DeviceTraffic[] {
  return text.split('\n').flatMap((line) => {
    const [, device, values = ''] = /^\s*([^:\s]+):\s*(.*)$/.exec(line) ?? [];
    if (device === undefined || device === 'lo') return [];
    const numbers = values.split(/\s+/).map(Number);
    return [{device, received: countersOf(numbers, COLUMNS.received), sent: countersOf(numbers, COLUMNS.sent)}];
  });
}

export const sumOf = (devices: readonly DeviceTraffic[]): NetworkTraffic => ({
  receivedBytes: devices.reduce((sum, {received}) => sum + received.bytes, 0),
  sentBytes: devices.reduce((sum, {sent}) => sum + sent.bytes, 0),
});

function countersOf(numbers: readonly number[], from: number): DeviceCounters {
  const [bytes = 0, packets = 0, errors = 0, dropped = 0] = numbers.slice(from);
  return {bytes, packets, errors, dropped};
}
