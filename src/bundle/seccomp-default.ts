import type {SeccompFilter, SeccompProfile, SeccompRule} from './seccomp-profile.ts';

const ALLOW = 'SCMP_ACT_ALLOW';
const ERRNO = 'SCMP_ACT_ERRNO';
const EPERM = 1;
const ENOSYS = 38;

/** Harmless for any container; what an architecture or an old libseccomp does not know is skipped by the runtime. */
const ALWAYS = `
  accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown chown32 clock_adjtime
  clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
  clock_nanosleep_time64 close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1
  epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit
  exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2
  fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat
  fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue futex_time64 futex_wait
  futex_waitv futex_wake futimesat getcpu getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid
  getgid32 getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom
  getresgid getresgid32 getresuid getresuid32 getrlimit get_robust_list getrusage getsid getsockname getsockopt
  get_thread_area gettid gettimeofday getuid getuid32 getxattr getxattrat inotify_add_watch inotify_init
  inotify_init1 inotify_rm_watch io_cancel ioctl io_destroy io_getevents io_pgetevents io_pgetevents_time64
  ioprio_get ioprio_set io_setup io_submit ipc kill landlock_add_rule landlock_create_ruleset
  landlock_restrict_self lchown lchown32 lgetxattr link linkat listen listmount listxattr listxattrat llistxattr
  _llseek lremovexattr lseek lsetxattr lstat lstat64 madvise map_shadow_stack membarrier memfd_create memfd_secret
  mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 mprotect mq_getsetattr mq_notify mq_open
  mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget
  msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep newfstatat _newselect open openat
  openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64
  prctl pread64 preadv preadv2 prlimit64 process_mrelease pselect6 pselect6_time64 pwrite64 pwritev pwritev2 read
  readahead readlink readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr
  removexattrat rename renameat renameat2 restart_syscall riscv_hwprobe rmdir rseq rt_sigaction rt_sigpending
  rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64
  rt_tgsigqueueinfo sched_getaffinity sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min
  sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr
  sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop semtimedop_time64
  send sendfile sendfile64 sendmmsg sendmsg sendto setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32
  setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid
  setresuid32 setreuid setreuid32 setrlimit set_robust_list setsid setsockopt set_thread_area set_tid_address
  setuid setuid32 setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4
  sigprocmask sigreturn socketcall socketpair splice stat stat64 statfs statfs64 statmount statx symlink symlinkat
  sync sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime
  timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime
  timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask uname unlink unlinkat uretprobe utime
  utimensat utimensat_time64 utimes vfork vmsplice wait4 waitid waitpid write writev`;

/** Lets other processes be read: safe since kernel 4.8, where ptrace no longer bypasses seccomp. */
const TRACING = 'process_vm_readv process_vm_writev ptrace';

const FOR_ARCHITECTURE: Readonly<Record<string, readonly string[]>> = {
  'sync_file_range2 swapcontext': ['ppc64le'],
  'arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls': ['arm', 'arm64'],
  'arch_prctl modify_ldt': ['amd64'],
  's390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr': ['s390', 's390x'],
  riscv_flush_icache: ['riscv64'],
};

const FOR_CAPABILITY: Readonly<Record<string, string>> = {
  CAP_DAC_READ_SEARCH: 'open_by_handle_at',
  CAP_SYS_ADMIN: `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr
    lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd
    setdomainname sethostname setns syslog umount umount2 unshare`,
  CAP_SYS_BOOT: 'reboot',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYS_MODULE: 'delete_module init_module finit_module',
  CAP_SYS_PACCT: 'acct',
  CAP_SYS_PTRACE: 'kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace',
  CAP_SYS_RAWIO: 'iopl ioperm',
  CAP_SYS_TIME: 'settimeofday stime clock_settime clock_settime64',
  CAP_SYS_TTY_CONFIG: 'vhangup',
  CAP_SYS_NICE: 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node',
  CAP_SYSLOG: 'syslog',
  CAP_BPF: 'bpf',
  CAP_PERFMON: 'perf_event_open',
};

/** All but AF_ALG (38: page-cache writes by CVE-2026-31431) and AF_VSOCK (40: talks to the hypervisor). */
const SOCKET_FAMILIES = [
  {index: 0, value: 38, op: 'SCMP_CMP_LT'},
  {index: 0, value: 39, op: 'SCMP_CMP_EQ'},
  {index: 0, value: 40, op: 'SCMP_CMP_GT'},
];

/** PER_LINUX, PER_LINUX32, both with UNAME26, and the query. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffff_ffff];

/** NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET: none may be set. */
const CLONE_NAMESPACE_FLAGS = 0x7e02_0000;
/** The architectures whose clone(2) takes the flags as its second argument. */
const S390 = ['s390', 's390x'];
const SYS_ADMIN = ['CAP_SYS_ADMIN'];

/**
 * Docker's default profile as of mid-2026: everything that is not listed fails with EPERM; clone3 with ENOSYS, so that C
 * libraries fall back to clone, whose flags a filter can see.
 *
 * The x32 ABI is left out: hardly a kernel has it switched on, and each further architecture costs every start 6 ms in
 * the runtime's compiler (runc 1.1.5). Its programs are killed.
 */
export const DEFAULT_SECCOMP_PROFILE: SeccompProfile = Object.freeze({
  defaultAction: ERRNO,
  defaultErrnoRet: EPERM,
  archMap: [
    {architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86']},
    {architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM']},
    {architecture: 'SCMP_ARCH_S390X', subArchitectures: ['SCMP_ARCH_S390']},
    {architecture: 'SCMP_ARCH_RISCV64'},
    {architecture: 'SCMP_ARCH_LOONGARCH64'},
  ],
  syscalls: [
    allow(ALWAYS),
    allow(TRACING, {minKernel: '4.8'}),
    ...SOCKET_FAMILIES.map((argument) => ({names: ['socket'], action: ALLOW, args: [argument]})),
    ...PERSONALITIES.map((value) => ({
      names: ['personality'],
      action: ALLOW,
      args: [{index: 0, value, op: 'SCMP_CMP_EQ'}],
    })),
    ...Object.entries(FOR_ARCHITECTURE).map(([names, arches]) => allow(names, {arches})),
    ...Object.entries(FOR_CAPABILITY).map(([capability, names]) => allow(names, {caps: [capability]})),
    {...allowPlainClone(0), excludes: {caps: SYS_ADMIN, arches: S390}},
    {...allowPlainClone(1), includes: {arches: S390}, excludes: {caps: SYS_ADMIN}},
    {names: ['clone3'], action: ERRNO, errnoRet: ENOSYS, excludes: {caps: SYS_ADMIN}},
  ],
});

function allow(names: string, includes?: SeccompFilter): SeccompRule {
  return {names: names.trim().split(/\s+/), action: ALLOW, ...(includes !== undefined && {includes})};
}

function allowPlainClone(index: number): SeccompRule {
  const args = [{index, value: CLONE_NAMESPACE_FLAGS, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ'}];
  return {names: ['clone'], action: ALLOW, args};
}
