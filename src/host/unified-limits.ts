import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {hasErrno} from '../errors.ts';

/** The limits that cgroups made in one of the unified tree can have. */
export interface UnifiedLimits {
  /** `memory`, `cpu`, `cpuset`, `pids`, `io` … */
  readonly controllers: readonly string[];
  /** Whether swap can be limited. */
  readonly swapLimit: boolean;
  readonly hasBlockIoWeights: boolean;
  /** The cgroup, if its own processes keep controllers from those below it. */
  readonly occupied?: string;
}

/** Those that count threads leave what is above them its processes; runc then makes a threaded cgroup. */
const THREADED: readonly string[] = ['pids', 'cpuset'];
const SWAPS = '/proc/swaps';

/**
 * Reads which limits cgroups can have that are made in another one, or, where there is none, in the nearest above it.
 *
 * @param unified Mount point of the unified tree.
 * @see kernel documentation admin-guide/cgroup-v2.rst "No Internal Process Constraint", "Threads"
 */
export function readUnifiedLimits(unified: string, path = '/', {swaps = SWAPS} = {}): UnifiedLimits {
  const place = findExisting(unified, path);
  const directory = join(unified, place);
  const controllers = wordsOf(join(directory, 'cgroup.controllers'));
  const enabled = wordsOf(join(directory, 'cgroup.subtree_control'));
  const isOccupied = hasOwnProcesses(directory);
  const isUsable = (name: string) => !isOccupied || THREADED.includes(name) || enabled.includes(name);
  return {
    controllers: controllers.filter(isUsable),
    ...readKinds(directory, swaps),
    ...(isOccupied && {occupied: place}),
  };
}

const findExisting = (unified: string, path: string): string =>
  path === '/' || existsSync(join(unified, path)) ? path : findExisting(unified, dirname(path));

/**
 * The root of the tree has no limits, so any child tells which there are. Where there is none (systemd makes some, other
 * first processes do not), what they come from tells.
 */
function readKinds(directory: string, swaps: string): Pick<UnifiedLimits, 'swapLimit' | 'hasBlockIoWeights'> {
  const entries = readdirSync(directory, {withFileTypes: true});
  const names = ['.', ...entries.filter((entry) => entry.isDirectory()).map(({name}) => name)];
  const has = (file: string) => names.some((name) => existsSync(join(directory, name, file)));
  return {
    swapLimit: has('memory.max') ? has('memory.swap.max') : existsSync(swaps),
    hasBlockIoWeights: has('io.bfq.weight') || has('io.weight') || has('io.cost.qos'),
  };
}

/** Those in the root of the tree do not count, which alone has no type. */
function hasOwnProcesses(directory: string): boolean {
  if (!existsSync(join(directory, 'cgroup.type'))) return false;
  try {
    return readFileSync(join(directory, 'cgroup.procs'), 'utf8') !== '';
  } catch (error) {
    // Its threads are counted, and not its processes.
    if (hasErrno(error, 'ENOTSUP', 'EOPNOTSUPP')) return true;
    throw error;
  }
}

const wordsOf = (path: string): readonly string[] => readFileSync(path, 'utf8').match(/\S+/g) ?? [];
