import {readFileSync} from 'node:fs';
import {hasErrno} from '../errors.ts';

/** States of /proc/net/tcp and /proc/net/udp (proc(5)) in which something waits for others. */
const WAITING = Object.freeze({tcp: '0A', udp: '07'});
const LOCAL_ADDRESS = 1;
const STATE = 3;

export type PortProtocol = keyof typeof WAITING;

/**
 * The ports at which somebody waits for connections, or for packets, in the network namespace of a process.
 *
 * @returns null: there is no such process.
 */
export function readListeningPorts(pid: number, protocol: PortProtocol = 'tcp'): ReadonlySet<number> | null {
  const tables = [protocol, `${protocol}6`].map((name) => readTable(`/proc/${pid}/net/${name}`));
  if (tables.every((table) => table === null)) return null;
  const sockets = tables.flatMap((table) => (table ?? '').split('\n').slice(1));
  return new Set(
    sockets.flatMap((line) => {
      const fields = line.trim().split(/\s+/);
      const port = fields[LOCAL_ADDRESS]?.split(':').at(-1);
      return port !== undefined && fields[STATE] === WAITING[protocol] ? [Number.parseInt(port, 16)] : [];
    }),
  );
}

/** A kernel without IPv6 has one of them only. */
function readTable(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ESRCH', 'EINVAL')) return null;
    throw error;
  }
}
