import {loadKoffi} from './load-koffi.ts';
import {createCheck} from './system-error.ts';

export type SpawnCalls = ReturnType<typeof loadSpawnCalls>;

/** What starts programs, and waits for them (posix_spawn(3), wait4(2)). Those of posix_spawn return what went wrong. */
export function loadSpawnCalls() {
  const libc = loadKoffi().load(null);
  return {
    wait: libc.func('int wait4(int, void*, int, void*)'),
    spawn: libc.func('int posix_spawn(void*, const char*, void*, void*, const char**, const char**)'),
    initActions: libc.func('int posix_spawn_file_actions_init(void*)'),
    freeActions: libc.func('int posix_spawn_file_actions_destroy(void*)'),
    addDuplicate: libc.func('int posix_spawn_file_actions_adddup2(void*, int, int)'),
    fcntl: libc.func('int fcntl(int, int, int)'),
    addOpen: libc.func('int posix_spawn_file_actions_addopen(void*, int, const char*, int, unsigned int)'),
    changeDirectory: findChangeDirectory(libc),
    initAttributes: libc.func('int posix_spawnattr_init(void*)'),
    freeAttributes: libc.func('int posix_spawnattr_destroy(void*)'),
    setFlags: libc.func('int posix_spawnattr_setflags(void*, short)'),
    setDefaultSignals: libc.func('int posix_spawnattr_setsigdefault(void*, void*)'),
    setSignalMask: libc.func('int posix_spawnattr_setsigmask(void*, void*)'),
  };
}

const MFD_CLOEXEC = 1;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;

/**
 * A file in memory that is gone when it is open nowhere (memfd_create(2)).
 *
 * @returns a descriptor.
 * @throws a Node-style system error (`EMFILE`, `ENOMEM` …)
 */
export function openMemoryFile(name: string): number {
  const koffi = loadKoffi();
  const create = koffi.load(null).func('int memfd_create(const char*, unsigned int)');
  return createCheck(koffi)(create(name, MFD_CLOEXEC), 'memfd_create', name);
}

/**
 * Opens a pipe that makes nobody wait at either end (pipe2(2)).
 *
 * @throws a Node-style system error (`EMFILE`)
 */
export function openPipe(): {readonly reader: number; readonly writer: number} {
  const koffi = loadKoffi();
  const open = koffi.load(null).func('int pipe2(void*, int)');
  const ends = Buffer.alloc(8);
  createCheck(koffi)(open(ends, O_NONBLOCK | O_CLOEXEC), 'pipe2', '');
  return {reader: ends.readInt32LE(0), writer: ends.readInt32LE(4)};
}

/** glibc before 2.29 cannot: a program then begins where this process is. */
function findChangeDirectory(libc: ReturnType<ReturnType<typeof loadKoffi>['load']>): (...values: unknown[]) => number {
  try {
    return libc.func('int posix_spawn_file_actions_addchdir_np(void*, const char*)');
  } catch {
    return () => 0;
  }
}
