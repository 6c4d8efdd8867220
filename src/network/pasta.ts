import {join} from 'node:path';
import {runCommand} from '../host/run-command.ts';
import {SYSTEM_PATH} from '../host/system-programs.ts';
import type {PortProtocol, PublishedPort} from './network-mode.ts';
import {STACK_PID_FILE, stackFailed} from './stack-programs.ts';
import type {StackStart} from './user-stack.ts';

/** Where a container asks this machine's own name server. */
export const PASTA_DNS = '169.254.1.1';
/** Those of slirp4netns; the gateway is nobody. */
const OWN_PREFIX = '24';
const OWN_GATEWAY = '10.0.2.2';
const LIMIT_MS = 30_000;

/**
 * Starts pasta, which goes to the background when the namespace is connected.
 *
 * @throws {WinchError} `NETWORK_FAILED`
 * @see https://passt.top/builds/latest/web/passt.1.html
 */
export async function startPasta(
  program: string,
  start: StackStart,
  {signal}: {readonly signal?: AbortSignal | undefined},
): Promise<void> {
  const options = {environment: {PATH: SYSTEM_PATH}, timeoutMs: LIMIT_MS, signal};
  const {exitCode, stderr} = await runCommand(program, pastaArguments(start), options);
  if (exitCode !== 0) throw stackFailed('pasta', stderr);
}

/** What is not forwarded on purpose is not, in neither direction: the container does not see the machine's loopback. */
export const pastaArguments = ({directory, namespace, ports, ownAddress}: StackStart): readonly string[] => [
  ...['--config-net', '--no-map-gw', '--dns-forward', PASTA_DNS, '--quiet'],
  ...(ownAddress === null ? [] : ['-a', ownAddress, '-n', OWN_PREFIX, '-g', OWN_GATEWAY]),
  ...['--pid', join(directory, STACK_PID_FILE), '--netns', namespace, '--no-netns-quit'],
  ...forward('-t', 'tcp', ports),
  ...forward('-u', 'udp', ports),
  ...['-T', 'none', '-U', 'none'],
];

function forward(flag: string, protocol: PortProtocol, ports: readonly PublishedPort[]): readonly string[] {
  const words = ports.filter((port) => port.protocol === protocol).flatMap((port) => [flag, describePort(port)]);
  return words.length > 0 ? words : [flag, 'none'];
}

const describePort = ({hostAddress, hostPort, containerPort}: PublishedPort): string =>
  `${hostAddress === null ? '' : `${hostAddress}/`}${hostPort}:${containerPort}`;
