import type {ContainerChanges} from '../containers/kept/update-container.ts';
import {definedMembers} from '../oci/defined-members.ts';
import {notOffered} from './api-error.ts';
import {type Handler, readJsonBody} from './api-request.ts';
import {type BodyFields, readFields} from './body-fields.ts';
import {idOf} from './containers.ts';
import {readCpus} from './create-host-options.ts';
import {readRestart} from './create-request.ts';

const TAKEN = [
  'Memory',
  'MemorySwap',
  'MemoryReservation',
  'NanoCpus',
  'CpuShares',
  'CpuQuota',
  'CpuPeriod',
  'CpusetCpus',
  'CpusetMems',
  'PidsLimit',
  'BlkioWeight',
  'RestartPolicy',
];

export const updateContainer: Handler = async ({toolkit}, request) => {
  const changes = readChanges(await readJsonBody(request));
  await toolkit.containers.update(idOf(request), changes, {signal: request.signal});
  return {type: 'json', value: {Warnings: []}};
};

/** @throws {WinchError} `BODY_INVALID` | `NOT_OFFERED` */
export function readChanges(body: unknown): ContainerChanges {
  const fields = readFields(body ?? {});
  const untaken = fields.names().find((name) => !TAKEN.includes(name) && fields.says(name));
  if (untaken !== undefined) throw notOffered(`${untaken} cannot be changed`, 'make the container anew with it');
  return definedMembers({
    memoryBytes: fields.number('Memory') || undefined,
    memorySwapBytes: fields.number('MemorySwap') || undefined,
    memoryReservationBytes: fields.number('MemoryReservation') || undefined,
    ...readCpus(fields),
    cpuShares: fields.number('CpuShares') || undefined,
    cpusetCpus: fields.text('CpusetCpus') || undefined,
    cpusetMems: fields.text('CpusetMems') || undefined,
    pidsLimit: fields.number('PidsLimit'),
    blkioWeight: fields.number('BlkioWeight') || undefined,
    restart: readRestartChange(fields.record('RestartPolicy')),
  });
}

/** Without a name it stays as it is. */
function readRestartChange(policy: BodyFields): ContainerChanges['restart'] {
  return policy.text('Name') ? (readRestart(policy) ?? null) : undefined;
}
