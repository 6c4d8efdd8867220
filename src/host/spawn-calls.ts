import {loadKoffi} from './load-koffi.ts';

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

/** glibc before 2.29 cannot: a program then begins where this process is. */
function findChangeDirectory(libc: ReturnType<ReturnType<typeof loadKoffi>['load']>): (...values: unknown[]) => number {
  try {
    return libc.func('int posix_spawn_file_actions_addchdir_np(void*, const char*)');
  } catch {
    return () => 0;
  }
}
