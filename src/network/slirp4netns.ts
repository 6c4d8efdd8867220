import {type ChildProcess, spawn} from 'node:child_process';
import {closeSync, constants, openSync, readFileSync, writeFileSync} from 'node:fs';
import {connect} from 'node:net';
import {join} from 'node:path';
import type {Readable} from 'node:stream';
import {text} from 'node:stream/consumers';
import {isSystemError} from '../errors.ts';
import {SYSTEM_PATH} from '../host/system-programs.ts';
import type {PublishedPort} from './network-mode.ts';
import {STACK_PID_FILE, stackFailed} from './stack-programs.ts';
import type {StackStart} from './user-stack.ts';

/** Where a container asks this machine's own name server. */
export const SLIRP_DNS = '10.0.2.3';
const LOG = 'slirp4netns.log';
const SOCKET = 'slirp4netns.sock';
const READY_FD = 3;
/** As loopback devices have it: nothing is split that need not be. */
const MTU = 65_520;

/**
 * Starts slirp4netns, and opens ports when the namespace is connected.
 *
 * @throws {WinchError} `NETWORK_FAILED`
 * @see https://github.com/rootless-containers/slirp4netns/blob/v1.2.0/slirp4netns.1.md
 */
export async function startSlirp(
  program: string,
  {directory, namespace, ports}: StackStart,
  {signal}: {readonly signal?: AbortSignal | undefined},
): Promise<void> {
  const log = join(directory, LOG);
  const output = openSync(log, 'w', 0o600);
  const words = ['--configure', `--mtu=${MTU}`, '--disable-host-loopback', '--enable-sandbox', '--enable-seccomp'];
  const places = [`--ready-fd=${READY_FD}`, '--api-socket', SOCKET, '--netns-type=path', namespace, 'tap0'];
  // In the directory: the path of a socket has to be a short one.
  const child = spawn(program, [...words, ...places], {
    cwd: directory,
    env: {PATH: SYSTEM_PATH},
    stdio: ['ignore', output, output, 'pipe'],
    detached: true,
  });
  closeSync(output);
  const isReady = waitUntilReady(child, signal);
  writeFileSync(join(directory, STACK_PID_FILE), `${child.pid ?? ''}\n`, {mode: 0o600});
  if (!(await isReady)) {
    signal?.throwIfAborted();
    throw stackFailed('slirp4netns', readFileSync(log, 'utf8'));
  }
  child.unref();
  for (const port of ports) await openPort(directory, port);
}

/** @returns false: it has ended before, or whoever waits has had enough. */
function waitUntilReady(child: ChildProcess, signal: AbortSignal | undefined): Promise<boolean> {
  const ready = child.stdio[READY_FD] as Readable;
  return new Promise((resolve) => {
    const finish = (isReady: boolean) => {
      ready.destroy();
      signal?.removeEventListener('abort', abort);
      resolve(isReady);
    };
    const abort = () => finish(false);
    signal?.addEventListener('abort', abort, {once: true});
    ready.once('data', () => finish(true));
    ready.once('close', () => finish(false));
    child.once('error', () => finish(false));
  });
}

async function openPort(directory: string, port: PublishedPort): Promise<void> {
  const {hostAddress, hostPort, containerPort, protocol} = port;
  const request = {
    execute: 'add_hostfwd',
    arguments: {
      proto: protocol,
      host_addr: hostAddress ?? '0.0.0.0',
      host_port: hostPort,
      guest_port: containerPort,
    },
  };
  const answer = await ask(directory, `${JSON.stringify(request)}\n`);
  if (!/"return"/.test(answer)) {
    throw stackFailed('slirp4netns', `port ${hostPort}/${protocol} of this machine cannot be opened: ${answer}`);
  }
}

async function ask(directory: string, request: string): Promise<string> {
  const parent = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const socket = connect(`/proc/self/fd/${parent}/${SOCKET}`);
    socket.end(request);
    return (await text(socket)).trim();
  } catch (error) {
    if (isSystemError(error)) return error.message;
    throw error;
  } finally {
    closeSync(parent);
  }
}
