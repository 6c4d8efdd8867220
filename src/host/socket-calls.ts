import {closeSync, constants, openSync} from 'node:fs';
import {loadKoffi} from './load-koffi.ts';
import {createCheck} from './system-error.ts';

/** System calls on local sockets of a kind that `node:net` does not have. */
export interface SocketCalls {
  /**
   * Connects to a socket that keeps the bounds of messages (SOCK_SEQPACKET).
   *
   * @returns a descriptor for Node's reads and writes, which wait in its thread pool.
   * @throws a Node-style system error (`ENOENT`, `ECONNREFUSED`)
   */
  connectPackets(directory: string, name: string): number;
  /** shutdown(2): ends one or both directions, and what waits there. */
  shutdown(fd: number, direction: 'read' | 'write' | 'both'): void;
  /** Brings the loopback device of the calling thread's network namespace up; the kernel gives it its addresses. */
  raiseLoopback(): void;
}

const AF_UNIX = 1;
const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;
const DIRECTIONS = Object.freeze({read: 0, write: 1, both: 2});
/** `sockaddr_un`: two bytes of the family, then the path with its end (unix(7)). */
const ADDRESS_BYTES = 110;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP = 1;
/** `ifreq`: the name of a device in 16 bytes, and what is asked of it (netdevice(7)). */
const DEVICE_REQUEST_BYTES = 40;
const DEVICE_NAME_BYTES = 16;

/** Loads libc through koffi, as `loadSyscalls` does. */
export function loadSocketCalls(): SocketCalls {
  const koffi = loadKoffi();
  const libc = koffi.load(null);
  const socket = libc.func('int socket(int, int, int)');
  const connect = libc.func('int connect(int, const uint8_t*, unsigned int)');
  const shutdown = libc.func('int shutdown(int, int)');
  const ioctl = libc.func('int ioctl(int, unsigned long, void*)');
  const check = createCheck(koffi);
  return {
    connectPackets: (directory, name) => {
      const fd = check(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), 'socket', name);
      // Through a descriptor a path of any length is short enough.
      const parent = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
      try {
        const address = addressOf(`/proc/self/fd/${parent}/${name}`);
        check(connect(fd, address, address.length), 'connect', `${directory}/${name}`);
        return fd;
      } catch (error) {
        closeSync(fd);
        throw error;
      } finally {
        closeSync(parent);
      }
    },
    shutdown: (fd, direction) => void check(shutdown(fd, DIRECTIONS[direction]), 'shutdown', String(fd)),
    raiseLoopback: () => {
      const fd = check(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), 'socket', 'lo');
      try {
        check(ioctl(fd, SIOCSIFFLAGS, deviceRequest('lo', IFF_UP)), 'ioctl', 'lo');
      } finally {
        closeSync(fd);
      }
    },
  };
}

function deviceRequest(name: string, flags: number): Buffer {
  const request = Buffer.alloc(DEVICE_REQUEST_BYTES);
  request.write(name, 0);
  request.writeInt16LE(flags, DEVICE_NAME_BYTES);
  return request;
}

function addressOf(path: string): Buffer {
  const address = Buffer.alloc(ADDRESS_BYTES);
  address.writeUInt16LE(AF_UNIX, 0);
  address.write(path, 2);
  return address;
}
