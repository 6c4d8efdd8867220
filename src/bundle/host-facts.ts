import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {release} from 'node:os';
import {readCgroups} from '../host/cgroups.ts';
import {findDelegatedCgroup} from '../host/delegated-cgroup.ts';
import {readUnifiedLimits} from '../host/unified-limits.ts';
import {isInitialUserNamespace} from '../host/user-namespace.ts';
import {decodeCapabilityMask} from './capabilities.ts';
import type {CgroupFacts} from './resources.ts';
import type {HardLimits} from './rlimits.ts';

/** What this machine and process allow a container. */
export interface HostFacts {
  /** As Go names it (`amd64`). */
  readonly architecture: string;
  /** Release of the running kernel. */
  readonly kernel: string;
  /** The bounding set of this process. */
  readonly capabilities: readonly string[];
  readonly cgroup: CgroupFacts;
  /** Null when this process may exceed them (CAP_SYS_RESOURCE). */
  readonly hardLimits: HardLimits | null;
  /** Paths of this machine to mask besides docker's fixed list. */
  readonly sensitivePaths: readonly string[];
}

const CPU_DIRECTORY = '/sys/devices/system/cpu';

/** Go's names where Node's differ. */
const ARCHITECTURES: Readonly<Record<string, string>> = {x64: 'amd64'};

/** Names in `/proc/<pid>/limits`, whose words differ from those of `ulimit`. */
const LIMIT_NAMES: Readonly<Record<string, string>> = {
  'cpu time': 'cpu',
  'file size': 'fsize',
  'data size': 'data',
  'stack size': 'stack',
  'core file size': 'core',
  'resident set': 'rss',
  processes: 'nproc',
  'open files': 'nofile',
  'locked memory': 'memlock',
  'address space': 'as',
  'file locks': 'locks',
  'pending signals': 'sigpending',
  'msgqueue size': 'msgqueue',
  'nice priority': 'nice',
  'realtime priority': 'rtprio',
  'realtime timeout': 'rttime',
};

/** Reads the facts from `/proc` and `/sys`; about 1 ms. Synchronous: it describes the calling thread's process. */
export function readHostFacts(): HostFacts {
  const status = readFileSync('/proc/self/status', 'utf8');
  // In a namespace of users, that capability is about the namespace and not about limits.
  const isAllowed = capabilitySet(status, 'CapEff').includes('CAP_SYS_RESOURCE') && isInitialUserNamespace();
  return {
    architecture: ARCHITECTURES[process.arch] ?? process.arch,
    kernel: release(),
    capabilities: capabilitySet(status, 'CapBnd'),
    cgroup: readCgroupFacts(),
    hardLimits: isAllowed ? null : parseHardLimits(readFileSync('/proc/self/limits', 'utf8')),
    sensitivePaths: thermalCounters(),
  };
}

const capabilitySet = (status: string, field: string): readonly string[] =>
  decodeCapabilityMask(new RegExp(`^${field}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '0');

function readCgroupFacts(): CgroupFacts {
  const {version, controllers, unified} = readCgroups();
  if (!isInitialUserNamespace()) return {version, ...readDelegatedLimits(), isForeign: true};
  if (version !== 'v2' || unified === null) {
    const swapFile = `${controllers.get('memory')}/memory.memsw.limit_in_bytes`;
    // The root cgroup has no weight with bfq, but its counters.
    const hasBlockIoWeights = ['weight', 'bfq.io_service_bytes'].some((name) =>
      existsSync(`${controllers.get('blkio')}/blkio.${name}`),
    );
    return {version, controllers: [...controllers.keys()], swapLimit: existsSync(swapFile), hasBlockIoWeights};
  }
  return {version, ...readUnifiedLimits(unified)};
}

/** Of root of a user namespace. */
function readDelegatedLimits(): Pick<CgroupFacts, 'controllers' | 'swapLimit'> {
  const cgroups = readCgroups();
  const place = findDelegatedCgroup(cgroups);
  if (place === null || cgroups.unified === null) return {controllers: [], swapLimit: false};
  return readUnifiedLimits(cgroups.unified, place);
}

/** Hard limits by the names that `ulimit` uses. @see proc_pid_limits(5) */
export function parseHardLimits(text: string): HardLimits {
  const limits: Record<string, number> = {};
  for (const line of text.split('\n')) {
    const [, title = '', hard = ''] = /^Max (\S+(?: \S+)*) {2,}\S+ +(\S+)/.exec(line) ?? [];
    const name = LIMIT_NAMES[title];
    if (name !== undefined) limits[name] = hard === 'unlimited' ? Infinity : Number(hard);
  }
  return limits;
}

/** Per-CPU counters that reveal what other programs compute (GHSA-6fw5-f8r9-fgfm). */
function thermalCounters(): readonly string[] {
  if (!existsSync(CPU_DIRECTORY)) return [];
  return readdirSync(CPU_DIRECTORY)
    .filter((name) => /^cpu\d+$/.test(name))
    .map((name) => `${CPU_DIRECTORY}/${name}/thermal_throttle`)
    .filter((path) => existsSync(path));
}
