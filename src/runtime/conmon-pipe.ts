import {closeSync, constants, openSync, readdirSync, readlinkSync} from 'node:fs';
import {Socket} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';
import {hasErrno} from '../errors.ts';
import {monotonicMs} from '../host/monotonic-ms.ts';
import {loadSocketCalls} from '../host/socket-calls.ts';
import type {ConmonInput, InputPlace} from './conmon-input.ts';
import {ATTACH_SOCKET} from './conmon-terminal.ts';

const POLL_MS = 5;
const LIMIT_MS = 10_000;

/**
 * Opens the pipe that is a container's standard input. Its end is all that conmon is asked for, which drops the end that
 * follows bytes on its own socket when nobody reads what it writes there.
 */
export function openPipeInput({pid, supervisorPid, bundle}: InputPlace): ConmonInput | null {
  const path = `/proc/${pid}/fd/0`;
  const pipe = linkOf(path);
  // A program that has replaced its standard input is not to be written to.
  if (pipe === null || !pipe.startsWith('pipe:') || !isHeldBy(supervisorPid, pipe)) return null;
  const fd = unlessGone(() => openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
  if (fd === null) return null;
  const socket = new Socket({fd, readable: false, writable: true});
  // Told by the write that has failed.
  socket.on('error', () => {});
  const finished = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return {
    write: (bytes) => new Promise((resolve) => socket.write(bytes, (error) => resolve(!error))),
    end: async () => {
      socket.end();
      await finished;
      await endPipe({bundle, supervisorPid}, pipe);
    },
    close: async () => {
      socket.destroy();
      await finished;
    },
  };
}

/** Conmon closes its end of the pipe when one who was connected to it has said all. */
async function endPipe({bundle, supervisorPid}: Pick<InputPlace, 'bundle' | 'supervisorPid'>, pipe: string) {
  const calls = loadSocketCalls();
  const fd = unlessGone(() => calls.connectPackets(bundle, ATTACH_SOCKET));
  if (fd === null) return;
  try {
    calls.shutdown(fd, 'write');
    const end = monotonicMs() + LIMIT_MS;
    while (isHeldBy(supervisorPid, pipe) && monotonicMs() < end) await sleep(POLL_MS);
  } finally {
    closeSync(fd);
  }
}

function isHeldBy(pid: number, link: string): boolean {
  const directory = `/proc/${pid}/fd`;
  const names = unlessGone(() => readdirSync(directory)) ?? [];
  return names.some((name) => linkOf(`${directory}/${name}`) === link);
}

const linkOf = (path: string): string | null => unlessGone(() => readlinkSync(path));

function unlessGone<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    // EACCES: what is in /proc of a process that is about to end is root's alone.
    if (hasErrno(error, 'ENOENT', 'ESRCH', 'ENXIO', 'ECONNREFUSED', 'EACCES')) return null;
    throw error;
  }
}
