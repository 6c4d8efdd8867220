import {readlinkSync} from 'node:fs';
import type {AddressInfo, Server} from 'node:net';
import {hasErrno, WinchError} from '../errors.ts';
import {listenOnSocket} from './listen-on-socket.ts';
import type {InheritedPlace, ListenPlace, MutualTls, PortPlace} from './listen-place.ts';
import {isUnixSocket} from './unix-sockets.ts';

export interface Listening {
  /** As a client names it: `unix:///run/winch.sock`, `tcp://127.0.0.1:2376`; `fd://3` for what was inherited. */
  readonly address: string;
  /** Takes away what stands in the file system for it. */
  remove(): void;
}

/**
 * The certificates that a server at this place needs; null: it is plain.
 *
 * @throws {WinchError} `TLS_REQUIRED` | `SOCKET_UNUSABLE`
 */
export function tlsAt(place: ListenPlace): MutualTls | null {
  if (place.type === 'socket') return null;
  if (place.type === 'port') return place.tls;
  if (isUnixDescriptor(place.descriptor)) return null;
  if (place.tls === null) throw tlsRequired(`fd://${place.descriptor}`);
  return place.tls;
}

/** @throws {WinchError} `SOCKET_IN_USE` | `SOCKET_UNUSABLE` | `ADDRESS_UNUSABLE` */
export async function listen(server: Server, place: ListenPlace): Promise<Listening> {
  switch (place.type) {
    case 'socket':
      return {address: `unix://${place.path}`, remove: await listenOnSocket(server, place)};
    case 'port':
      return {address: await listenOnPort(server, place), remove: () => {}};
    case 'inherited':
      return {address: await listenOnDescriptor(server, place), remove: () => {}};
  }
}

export const tlsRequired = (address: string): WinchError =>
  new WinchError('TLS_REQUIRED', `${address} can be reached by others, who would command winch without a password`, {
    kind: 'invalid',
    hint: 'have both sides show certificates, or listen on a unix socket',
  });

async function listenOnPort(server: Server, {host, port}: PortPlace): Promise<string> {
  try {
    await begin(server, () => server.listen({host, port}));
  } catch (error) {
    throw unusable('ADDRESS_UNUSABLE', `${host}:${port}`, error);
  }
  const {address, family, port: chosen} = server.address() as AddressInfo;
  return `tcp://${family === 'IPv6' ? `[${address}]` : address}:${chosen}`;
}

async function listenOnDescriptor(server: Server, {descriptor}: InheritedPlace): Promise<string> {
  try {
    await begin(server, () => server.listen({fd: descriptor}));
  } catch (error) {
    throw unusable('SOCKET_UNUSABLE', `fd://${descriptor}`, error);
  }
  return `fd://${descriptor}`;
}

const begin = (server: Server, listenNow: () => void): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', resolve);
    listenNow();
  });

const unusable = (code: string, address: string, cause: unknown): WinchError =>
  new WinchError(
    code,
    `winch cannot listen on ${address}: ${cause instanceof Error ? cause.message : 'it is no socket'}`,
    {
      kind: 'storage',
      hint: 'listen elsewhere, or end what listens there',
      cause,
    },
  );

function isUnixDescriptor(descriptor: number): boolean {
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${descriptor}`))?.[1];
    if (inode === undefined) throw unusable('SOCKET_UNUSABLE', `fd://${descriptor}`, null);
    return isUnixSocket(inode);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) throw unusable('SOCKET_UNUSABLE', `fd://${descriptor}`, error);
    throw error;
  }
}
