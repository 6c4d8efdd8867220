import {closeSync, constants, openSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {hasErrno, WinchError} from '../errors.ts';
import {killUnlessGone} from '../host/kill-unless-gone.ts';
import {monotonicMs} from '../host/monotonic-ms.ts';
import {loadSyscalls, MountFlag, UnmountFlag} from '../host/syscalls.ts';
import {findSystemProgram} from '../host/system-programs.ts';
import {formatHostsFile, LOOPBACK_HOSTS} from './hosts-file.ts';
import type {NetworkFiles, NetworkRequest} from './network.ts';
import type {PublishedPort, StackName} from './network-mode.ts';
import {PASTA_DNS, startPasta} from './pasta.ts';
import {formatResolvConf} from './resolv-conf.ts';
import {SLIRP_DNS, startSlirp} from './slirp4netns.ts';
import {STACKS} from './stack-programs.ts';

/** A program that connects a network namespace to the machine's network with the rights of its user. */
export interface UserStack {
  readonly name: StackName;
  /** Absolute path. */
  readonly program: string;
}

export interface StackStart {
  /** The container's directory in memory, by which the program is found again. */
  readonly directory: string;
  /** A path of the namespace. */
  readonly namespace: string;
  /** Of the machine, that lead to ports of the container. */
  readonly ports: readonly PublishedPort[];
  /** What the container is to have with pasta; null: the machine's, at which it then finds itself. */
  readonly ownAddress: string | null;
}

/** What the program is given of the namespace: it may not enter the directories of other processes in `/proc`. */
const NAMESPACE_FILE = 'netns';
const POLL_MS = 10;
const LIMIT_MS = 5000;
const NAME_SERVERS: Readonly<Record<StackName, string>> = {pasta: PASTA_DNS, slirp4netns: SLIRP_DNS};

/**
 * @param asked Null: whichever is installed, pasta first.
 * @throws {WinchError} `NETWORK_PROGRAM_NOT_FOUND`
 */
export function chooseStack(asked: StackName | null): UserStack {
  const names = asked === null ? STACKS.map(({name}) => name) : [asked];
  for (const name of names) {
    const program = findSystemProgram(name);
    if (program !== null) return {name, program};
  }
  const packages = STACKS.filter(({name}) => names.includes(name)).map(({debianPackage}) => debianPackage);
  throw new WinchError(
    'NETWORK_PROGRAM_NOT_FOUND',
    `${names.join(' or ')}, which connects containers of users to the network, is not installed`,
    {kind: 'unsupported', hint: `install ${packages.join(' or ')} (apt-get install ${packages[0]})`},
  );
}

/**
 * Connects a namespace; returns when it is, and its ports are open. The program goes on until `endStack`.
 *
 * @throws {WinchError} `NETWORK_FAILED`
 */
export async function startStack(
  {name, program}: UserStack,
  {namespace, ...start}: StackStart,
  {signal}: {readonly signal?: AbortSignal | undefined},
): Promise<void> {
  const path = join(start.directory, NAMESPACE_FILE);
  closeSync(openSync(path, constants.O_CREAT | constants.O_WRONLY, 0o600));
  const syscalls = loadSyscalls();
  syscalls.mount(namespace, path, null, MountFlag.bind, null);
  try {
    const open = {...start, namespace: path};
    await (name === 'pasta' ? startPasta(program, open, {signal}) : startSlirp(program, open, {signal}));
  } finally {
    syscalls.unmount(path, UnmountFlag.detach);
    rmSync(path);
  }
}

/** Ends the program that was started for a container, also one whose start was cut off; returns when it is gone. */
export async function endStack(directory: string): Promise<void> {
  const end = monotonicMs() + LIMIT_MS;
  for (let found = findPrograms(directory); found.length > 0; found = findPrograms(directory)) {
    for (const pid of found) killUnlessGone(pid);
    if (monotonicMs() > end) return;
    await sleep(POLL_MS);
  }
}

/** Its name servers are this machine's, asked by way of the program where they are at a loopback address. Pure. */
export function planStackFiles(
  name: StackName,
  {hostname, extraHosts = [], dns = {}, hostResolvConf}: NetworkRequest,
): NetworkFiles {
  const lines = (hostResolvConf ?? '').split('\n').filter((line) => !/^\s*nameserver\s+(127\.|::1\b)/.test(line));
  const hasServer = lines.some((line) => /^\s*nameserver\s/.test(line));
  const base = [...lines, ...(hasServer ? [] : [`nameserver ${NAME_SERVERS[name]}`])].join('\n');
  return {
    hosts: formatHostsFile(LOOPBACK_HOSTS, hostname, extraHosts),
    hostname: `${hostname}\n`,
    resolvConf: formatResolvConf(base, dns),
  };
}

const findPrograms = (directory: string): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => readCommandLine(pid).includes(join(directory, NAMESPACE_FILE)))
    .map(Number);

function readCommandLine(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ESRCH', 'EACCES')) return [];
    throw error;
  }
}
