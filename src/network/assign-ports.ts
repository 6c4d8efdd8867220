import {createSocket} from 'node:dgram';
import {createServer} from 'node:net';
import {hasErrno, WinchError} from '../errors.ts';
import type {ForwardedPorts} from './foreign-ports.ts';
import type {PublishedPort, PublishRequest} from './network-mode.ts';

/** A port that a container has. */
export interface TakenPort extends PublishedPort {
  /** The container's id. */
  readonly holder: string;
}

/** As many as the machine has. */
const ATTEMPTS = 65_535;
const SHORT_ID = 12;

/**
 * Chooses the machine's port for each request: one that no container has, and no program listens at.
 *
 * @param taken What other containers have.
 * @param forwarded What others' rules of the firewall lead elsewhere.
 * @throws {WinchError} `PORT_TAKEN`, with the `holder` in its details where it is a container | `PORT_ADDRESS_MISSING` |
 * `PORT_DENIED`
 */
export async function assignPorts(
  requests: readonly PublishRequest[],
  taken: readonly TakenPort[],
  forwarded: readonly ForwardedPorts[] = [],
): Promise<readonly PublishedPort[]> {
  const assigned: PublishedPort[] = [];
  for (const request of requests) assigned.push(await assignPort(request, [...taken, ...assigned], forwarded));
  return assigned;
}

async function assignPort(
  request: PublishRequest,
  taken: readonly (PublishedPort | TakenPort)[],
  forwarded: readonly ForwardedPorts[],
): Promise<PublishedPort> {
  const {hostAddress, hostPorts, containerPort, protocol} = request;
  const {first, last} = hostPorts ?? {first: 0, last: ATTEMPTS - 1};
  let holder: string | undefined;
  for (let candidate = first; candidate <= last; candidate += 1) {
    const hostPort = await probe(request, hostPorts === null ? 0 : candidate);
    const port = {hostAddress, hostPort: hostPort ?? candidate, containerPort, protocol};
    const other = taken.find((candidatePort) => clashes(port, candidatePort));
    if (hostPort !== null && !other && !forwarded.some((ports) => isForwarded(port, ports))) return port;
    if (other && 'holder' in other) holder = other.holder;
  }
  throw portTaken(request, holder);
}

const clashes = (one: PublishedPort, other: PublishedPort): boolean =>
  one.protocol === other.protocol &&
  one.hostPort === other.hostPort &&
  (one.hostAddress === null || other.hostAddress === null || one.hostAddress === other.hostAddress);

const isForwarded = ({hostAddress, hostPort, protocol}: PublishedPort, ports: ForwardedPorts): boolean =>
  protocol === ports.protocol &&
  hostPort >= ports.first &&
  hostPort <= ports.last &&
  (hostAddress === null || ports.hostAddress === null || hostAddress === ports.hostAddress);

/**
 * Listens for a moment; 0 lets the kernel choose.
 *
 * @returns the port; null when somebody else listens there.
 */
async function probe({hostAddress, protocol}: PublishRequest, port: number): Promise<number | null> {
  const host = hostAddress ?? '0.0.0.0';
  try {
    return protocol === 'udp' ? await probeUdp(host, port) : await probeTcp(host, port);
  } catch (error) {
    if (hasErrno(error, 'EADDRINUSE')) return null;
    if (hasErrno(error, 'EACCES')) throw portDenied(port);
    if (hasErrno(error, 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL')) throw addressMissing(host);
    throw error;
  }
}

const probeTcp = (host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({host, port, exclusive: true}, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : port));
    });
  });

const probeUdp = (host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', reject);
    socket.bind({address: host, port, exclusive: true}, () => {
      const address = socket.address();
      socket.close(() => resolve(address.port));
    });
  });

function portTaken({hostAddress, hostPorts, protocol}: PublishRequest, holder: string | undefined): WinchError {
  const range = hostPorts === null || hostPorts.first === hostPorts.last ? '' : `-${hostPorts.last}`;
  const where = hostAddress === null ? '' : `${hostAddress}:`;
  const who = holder === undefined ? '' : ` by container ${holder.slice(0, SHORT_ID)}`;
  return new WinchError('PORT_TAKEN', `port ${where}${hostPorts?.first ?? 'any'}${range}/${protocol} is in use${who}`, {
    kind: 'unavailable',
    ...(holder !== undefined && {details: {holder}}),
    hint: 'end what listens there or the container that has it, or choose another port',
  });
}

const portDenied = (port: number): WinchError =>
  new WinchError('PORT_DENIED', `port ${port} of this machine is not for users`, {
    kind: 'denied',
    hint: `take one from 1024 on, or as root: sysctl -w net.ipv4.ip_unprivileged_port_start=${port}`,
  });

const addressMissing = (address: string): WinchError =>
  new WinchError('PORT_ADDRESS_MISSING', `this machine does not have the address ${address}`, {kind: 'invalid'});
