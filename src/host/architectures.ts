import {readdirSync} from 'node:fs';
import {isSystemError} from '../errors.ts';

const BINFMT_DIRECTORY = '/proc/sys/fs/binfmt_misc';

/** Go's names of what the kernel runs itself, by Node's name of the machine: its own programs and its 32-bit ones. */
const NATIVE: Readonly<Partial<Record<NodeJS.Architecture, readonly string[]>>> = {
  x64: ['amd64', '386'],
  arm64: ['arm64', 'arm'],
};

/** Go's names by the emulators that distributions register. */
const EMULATED: ReadonlyMap<string, string> = new Map([
  ['qemu-x86_64', 'amd64'],
  ['qemu-i386', '386'],
  ['qemu-aarch64', 'arm64'],
  ['qemu-arm', 'arm'],
  ['qemu-riscv64', 'riscv64'],
  ['qemu-ppc64le', 'ppc64le'],
  ['qemu-s390x', 's390x'],
  ['qemu-loongarch64', 'loong64'],
  ['rosetta', 'amd64'],
]);

/** The architectures whose programs this machine runs, by Go's names: its own first, then the emulated ones. */
export function readRunnableArchitectures(directory = BINFMT_DIRECTORY): readonly string[] {
  const emulated = listEntries(directory).flatMap((name) => EMULATED.get(name) ?? []);
  return [...new Set([...(NATIVE[process.arch] ?? [process.arch]), ...emulated])];
}

function listEntries(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    // Besides a kernel without it: systemd mounts it when it is looked at, and where it cannot that is ELOOP or ENODEV.
    if (isSystemError(error)) return [];
    throw error;
  }
}
