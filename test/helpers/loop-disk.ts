import {closeSync, openSync} from 'node:fs';
import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import {loadSyscalls} from '../../src/host/syscalls.ts';
import {openMountNamespace} from './mount-namespace.ts';
import {requireProgram} from './run-program.ts';

export interface LoopDisk extends AsyncDisposable {
  /** Where it is mounted, for programs that run in its mount namespace. */
  readonly path: string;
  /** The same directory for this process. */
  readonly outside: string;
  /** Words in front of a command line that run it where the disk is. */
  readonly within: readonly string[];
  /** Forgets at once whatever has not reached the disk; every later access fails. */
  cutPower(): void;
  /** Mounts what is left, once no process uses the disk any more. */
  restart(): Promise<void>;
}

const EXT4_IOC_SHUTDOWN = 0x8004587d;
const NO_LOG_FLUSH = 2;
/** The kernel writes nothing back by itself within the time of a test. */
const OPTIONS = 'loop,data=ordered,commit=300';

/** An ext4 file system in a file below `directory`, seen by nobody else. */
export async function openLoopDisk(directory: string, mebibytes: number): Promise<LoopDisk> {
  const [image, path] = [join(directory, 'disk.img'), join(directory, 'disk')];
  await mkdir(path);
  await requireProgram('truncate', ['-s', `${mebibytes}M`, image]);
  await requireProgram('mkfs.ext4', ['-q', '-F', image]);
  const namespace = await openMountNamespace(`mount -t ext4 -o ${OPTIONS} "$1" "$2"`, image, path);
  const {within} = namespace;
  const run = (...words: readonly string[]) => requireProgram('nsenter', [...within.slice(1), ...words]);
  const outside = `/proc/${within[1]?.replace('--target=', '')}/root${path}`;
  return {
    path,
    outside,
    within,
    cutPower: () => shutDown(outside),
    restart: async () => {
      await run('umount', path);
      await run('mount', '-t', 'ext4', '-o', OPTIONS, image, path);
    },
    [Symbol.asyncDispose]: namespace[Symbol.asyncDispose],
  };
}

function shutDown(directory: string): void {
  const [fd, flags] = [openSync(directory, 'r'), Buffer.alloc(4)];
  flags.writeUInt32LE(NO_LOG_FLUSH);
  try {
    loadSyscalls().control(fd, EXT4_IOC_SHUTDOWN, flags);
  } finally {
    closeSync(fd);
  }
}
