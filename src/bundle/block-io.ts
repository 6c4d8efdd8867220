import {existsSync} from 'node:fs';
import {WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {RuntimeBlockIo} from '../oci/runtime-spec.ts';
import type {ContainerOptions} from './container-options.ts';
import {devicesAt} from './find-devices.ts';
import type {BlockIoLimit} from './limit-options.ts';

const MIN_WEIGHT = 10;
const MAX_WEIGHT = 1000;
/** The kernel keeps the low 32 bits of a larger count of requests. */
const MAX_REQUESTS = 2 ** 32 - 1;

/** Where the runtime spec has them. */
const LISTS = {
  'read-bps': 'throttleReadBpsDevice',
  'write-bps': 'throttleWriteBpsDevice',
  'read-iops': 'throttleReadIOPSDevice',
  'write-iops': 'throttleWriteIOPSDevice',
} as const;

/**
 * Looks up the disks that the caller limits. Undefined when nothing is limited.
 *
 * @throws {WinchError} `RESOURCE_INVALID`: a weight or rate that is none · `DEVICE_INVALID`: no disk there.
 */
export function resolveBlockIo({blkioWeight, blkioLimits = []}: ContainerOptions): RuntimeBlockIo | undefined {
  if (blkioWeight === undefined && blkioLimits.length === 0) return undefined;
  if (blkioWeight !== undefined) requireWithin('block I/O weight', blkioWeight, [MIN_WEIGHT, MAX_WEIGHT]);
  const found = blkioLimits.map((limit) => ({limit, numbers: numbersOf(limit)}));
  const weights = found.filter(({limit}) => limit.kind === 'weight');
  const throttles = Object.entries(LISTS).map(([kind, list]) => {
    const rates = found.filter(({limit}) => limit.kind === kind);
    return [list, rates.map(({limit, numbers}) => ({...numbers, rate: limit.amount}))] as const;
  });
  return {
    ...(blkioWeight !== undefined && {weight: blkioWeight}),
    ...(weights.length > 0 && {
      weightDevice: weights.map(({limit, numbers}) => ({...numbers, weight: limit.amount})),
    }),
    ...Object.fromEntries(throttles.filter(([, rates]) => rates.length > 0)),
  };
}

function numbersOf({kind, path, amount}: BlockIoLimit): {readonly major: number; readonly minor: number} {
  requireWithin(`${kind} of ${excerpt(path)}`, amount, rangeOf(kind));
  const [device, ...others] = devicesAt(path);
  if (device?.type !== 'b' || others.length > 0 || device.path !== path) throw invalidDisk(path, 'is no block device');
  const {major, minor} = device;
  // The kernel counts what goes through the queue of a disk, which its partitions share.
  if (existsSync(`/sys/dev/block/${major}:${minor}/partition`)) throw invalidDisk(path, 'is a part of a disk');
  return {major, minor};
}

function rangeOf(kind: BlockIoLimit['kind']): readonly [number, number] {
  if (kind === 'weight') return [MIN_WEIGHT, MAX_WEIGHT];
  return [1, kind.endsWith('iops') ? MAX_REQUESTS : Number.MAX_SAFE_INTEGER];
}

function requireWithin(what: string, value: number, [minimum, maximum]: readonly [number, number]): void {
  if (Number.isSafeInteger(value) && value >= minimum && value <= maximum) return;
  throw new WinchError('RESOURCE_INVALID', `${what} ${value} must be a whole number from ${minimum} to ${maximum}`, {
    kind: 'invalid',
  });
}

const invalidDisk = (path: string, problem: string): WinchError =>
  new WinchError('DEVICE_INVALID', `device ${excerpt(path)} ${problem}`, {
    kind: 'invalid',
    hint: 'name a whole disk, as lsblk lists it',
  });
