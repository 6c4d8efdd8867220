import type {RuntimeMount} from '../oci/runtime-spec.ts';
import type {ContainerOptions} from './container-options.ts';

const DEFAULT_SHM_BYTES = 64 * 1024 * 1024;

/**
 * The file systems that every container gets, in docker's form. Privileged containers may write to `/sys` and to their
 * cgroups. Sharing the host's network, `/sys` still shows this container's view and stays read-only.
 */
export function createDefaultMounts(options: ContainerOptions): readonly RuntimeMount[] {
  const access = options.privileged === true ? [] : ['ro'];
  return [
    mount('/proc', 'proc', 'proc', ['nosuid', 'noexec', 'nodev']),
    mount('/dev', 'tmpfs', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
    mount('/sys', 'sysfs', 'sysfs', ['nosuid', 'noexec', 'nodev', ...access]),
    mount('/dev/pts', 'devpts', 'devpts', ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5']),
    ...createSharedMemory(options),
    mount('/dev/mqueue', 'mqueue', 'mqueue', ['nosuid', 'noexec', 'nodev']),
    mount('/sys/fs/cgroup', 'cgroup', 'cgroup', ['nosuid', 'noexec', 'nodev', ...access]),
  ];
}

function createSharedMemory({ipc, shmBytes = DEFAULT_SHM_BYTES}: ContainerOptions): readonly RuntimeMount[] {
  if (ipc === 'none') return [];
  if (ipc === 'host') return [bindSharedMemory('/dev/shm')];
  if (typeof ipc === 'object' && 'sharedMemory' in ipc) return [bindSharedMemory(String(ipc.sharedMemory))];
  return [mount('/dev/shm', 'tmpfs', 'shm', ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${shmBytes}`])];
}

const bindSharedMemory = (source: string): RuntimeMount =>
  mount('/dev/shm', 'bind', source, ['bind', 'nosuid', 'noexec', 'nodev', 'rprivate']);

const mount = (destination: string, type: string, source: string, options: readonly string[]): RuntimeMount => ({
  destination,
  type,
  source,
  options,
});
