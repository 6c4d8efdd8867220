import type {ContainerOptions} from '../bundle/container-options.ts';
import type {BlockIoLimit} from '../bundle/limit-options.ts';
import {type BodyFields, nonEmpty} from './body-fields.ts';

const LISTS = [
  ['BlkioWeightDevice', 'weight', 'Weight'],
  ['BlkioDeviceReadBps', 'read-bps', 'Rate'],
  ['BlkioDeviceWriteBps', 'write-bps', 'Rate'],
  ['BlkioDeviceReadIOps', 'read-iops', 'Rate'],
  ['BlkioDeviceWriteIOps', 'write-iops', 'Rate'],
] as const;

/**
 * How much a `HostConfig` lets a container read from and write to disks.
 *
 * @throws {WinchError} `BODY_INVALID`
 */
export function readBlockIo(host: BodyFields): Pick<ContainerOptions, 'blkioWeight' | 'blkioLimits'> {
  const limits = LISTS.flatMap(([name, kind, member]) =>
    host
      .records(name)
      .map((limit): BlockIoLimit => ({path: limit.text('Path') ?? '', kind, amount: limit.number(member) ?? 0})),
  );
  const [blkioWeight, blkioLimits] = [host.number('BlkioWeight') || undefined, nonEmpty(limits)];
  return {...(blkioWeight !== undefined && {blkioWeight}), ...(blkioLimits && {blkioLimits})};
}
