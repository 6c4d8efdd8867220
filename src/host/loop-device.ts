import {closeSync, constants, openSync} from 'node:fs';
import {hasErrno} from '../errors.ts';
import type {Syscalls} from './syscalls.ts';

export interface LoopDevice extends Disposable {
  /** `/dev/loop<n>` */
  readonly path: string;
}

const CONTROL = '/dev/loop-control';
/** @see linux/include/uapi/linux/loop.h */
const LOOP_CONFIGURE = 0x4c0a;
const LOOP_CTL_GET_FREE = 0x4c82;
const CONFIG_BYTES = 304;
const CONFIG_FLAGS_OFFSET = 60;
const LO_FLAGS_READ_ONLY = 1;
const LO_FLAGS_AUTOCLEAR = 4;
/** Another process may take the free device first. */
const ATTEMPTS = 64;

/**
 * Puts a file behind a loop device of its own, read-only. Once disposed of, the device lives as long as it is mounted;
 * nothing is left when its mount namespace ends.
 *
 * mount(8) would give two mounts of one file the same device, and thereby one file system that no overlay takes twice.
 *
 * @throws a Node system error.
 */
export function attachLoopDevice(syscalls: Syscalls, file: string): LoopDevice {
  const backing = openSync(file, 'r');
  const control = openSync(CONTROL, constants.O_RDWR);
  try {
    for (let attempt = 1; ; attempt += 1) {
      const path = `/dev/loop${syscalls.control(control, LOOP_CTL_GET_FREE, null)}`;
      const device = openSync(path, constants.O_RDONLY);
      try {
        syscalls.control(device, LOOP_CONFIGURE, readOnlyConfig(backing));
        return {path, [Symbol.dispose]: () => closeSync(device)};
      } catch (error) {
        closeSync(device);
        if (!hasErrno(error, 'EBUSY') || attempt === ATTEMPTS) throw error;
      }
    }
  } finally {
    closeSync(control);
    closeSync(backing);
  }
}

/** struct loop_config: the file, the default block size, flags. */
function readOnlyConfig(backing: number): Buffer {
  const config = Buffer.alloc(CONFIG_BYTES);
  config.writeUInt32LE(backing, 0);
  config.writeUInt32LE(LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR, CONFIG_FLAGS_OFFSET);
  return config;
}
