import type {ContainerCounters} from '../containers/kept/read-counters.ts';
import type {CpuCounters} from '../host/cgroup-counters.ts';
import type {DeviceTraffic} from '../host/network-traffic.ts';

/** How docker writes a time that has not come. */
const NEVER = '0001-01-01T00:00:00Z';

const NO_TRANSFERS = Object.freeze({
  io_service_bytes_recursive: null,
  io_serviced_recursive: null,
  io_queue_recursive: null,
  io_service_time_recursive: null,
  io_wait_time_recursive: null,
  io_merged_recursive: null,
  io_time_recursive: null,
  sectors_recursive: null,
});

const NO_CPU = Object.freeze({
  cpu_usage: {total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0},
  throttling_data: {periods: 0, throttled_periods: 0, throttled_time: 0},
});

/** A container whose use is told. */
export type Measured = Pick<ContainerCounters, 'id' | 'name'>;

/**
 * What a container uses, with the field names of `docker stats` in the Engine API.
 *
 * @param before An earlier reading, from which clients reckon how busy it is; null: there is none.
 */
export function toDockerStats(reading: ContainerCounters, before: ContainerCounters | null) {
  const {pids, transfers, network} = reading;
  return {
    ...headOf(reading, reading.readAt, before?.readAt ?? NEVER),
    pids_stats: pids ? {current: pids.current, ...(pids.limit !== null && {limit: pids.limit})} : {},
    blkio_stats: {...NO_TRANSFERS, io_service_bytes_recursive: transfers?.map(toTransfer) ?? null},
    ...{num_procs: 0, storage_stats: {}},
    cpu_stats: toCpu(reading),
    precpu_stats: before ? toCpu(before) : NO_CPU,
    memory_stats: toMemory(reading),
    ...(network?.length && {
      networks: Object.fromEntries(network.map((traffic) => [traffic.device, toNetwork(traffic)])),
    }),
  };
}

/** As `toDockerStats`, of a container that does not run. */
export const toEmptyStats = (container: Measured) => ({
  ...headOf(container, NEVER, NEVER),
  pids_stats: {},
  blkio_stats: NO_TRANSFERS,
  ...{num_procs: 0, storage_stats: {}},
  cpu_stats: NO_CPU,
  precpu_stats: NO_CPU,
  memory_stats: {},
});

const headOf = ({id, name}: Measured, read: string, preread: string) => ({
  ...{name: name === null ? '' : `/${name}`, id, read, preread},
});

const toTransfer = ({major, minor, operation, bytes}: NonNullable<ContainerCounters['transfers']>[number]) => ({
  ...{major, minor, op: operation, value: bytes},
});

function toCpu({cpu, machine}: ContainerCounters) {
  if (cpu === null) return NO_CPU;
  return {
    cpu_usage: toCpuUsage(cpu),
    system_cpu_usage: machine.processorTime,
    online_cpus: machine.processors,
    throttling_data: {
      periods: cpu.periods,
      throttled_periods: cpu.throttledPeriods,
      throttled_time: cpu.throttledTime,
    },
  };
}

const toCpuUsage = ({total, perProcessor, kernel, user}: CpuCounters) => ({
  total_usage: total,
  ...(perProcessor && {percpu_usage: perProcessor}),
  usage_in_kernelmode: kernel,
  usage_in_usermode: user,
});

function toMemory({memory, machine}: ContainerCounters) {
  if (memory === null) return {};
  return {
    usage: memory.bytes,
    ...(memory.mostBytes !== null && {max_usage: memory.mostBytes}),
    stats: memory.statistics,
    limit: Math.min(memory.limitBytes ?? Number.POSITIVE_INFINITY, machine.memoryBytes),
  };
}

const toNetwork = ({received, sent}: DeviceTraffic) => ({
  rx_bytes: received.bytes,
  rx_packets: received.packets,
  rx_errors: received.errors,
  rx_dropped: received.dropped,
  tx_bytes: sent.bytes,
  tx_packets: sent.packets,
  tx_errors: sent.errors,
  tx_dropped: sent.dropped,
});
