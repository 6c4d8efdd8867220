import {readFileSync} from 'node:fs';

/** A unix socket of this machine, as the kernel lists it. */
interface UnixSocket {
  readonly inode: string;
  /** Null: it has none in the file system. */
  readonly path: string | null;
  readonly isListening: boolean;
}

/** Number, references, protocol, flags, type, state, inode, path (proc_pid_net(5)). */
const LINE = /^\s*[0-9a-f]+: \S+ \S+ ([0-9A-F]{8}) \S+ \S+\s+(\d+)(?: (.+))?$/i;
/** The kernel's `__SO_ACCEPTCON`. */
const ACCEPTS_CONNECTIONS = 0x1_0000;

/** Whether a socket is a unix socket, by its inode. */
export const isUnixSocket = (inode: string): boolean => readSockets().some((socket) => socket.inode === inode);

/** Whether anybody listens on a path, be it systemd on behalf of a server; nobody is connected to for that. */
export const isListenedOn = (path: string): boolean =>
  readSockets().some((socket) => socket.isListening && socket.path === path);

const readSockets = (): readonly UnixSocket[] =>
  readFileSync('/proc/self/net/unix', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, flags = '', inode, path = null] = LINE.exec(line) ?? [];
      if (inode === undefined) return [];
      return [{inode, path, isListening: (Number.parseInt(flags, 16) & ACCEPTS_CONNECTIONS) !== 0}];
    });
