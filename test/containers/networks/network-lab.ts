import {execFileSync, spawn} from 'node:child_process';
import {createHash} from 'node:crypto';
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import * as assert from 'uvu/assert';
import {missingFor} from '../../helpers/requires.ts';
import {eventually} from '../kept/kept-store.ts';

/** Why these tests cannot run here; a kernel that cannot translate addresses is no reason: then they must fail. */
export const networkSkip = missingFor(
  ...['runc', 'busybox', 'conmon', 'host-local', 'iptables', 'ip', 'unshare', 'nsenter'],
);

const PATIENCE_MS = 90_000;

/** What the machine knows of networks, but for what other stores have made. */
export interface MachineState {
  readonly rules: readonly string[];
  readonly links: readonly string[];
  readonly addresses: readonly string[];
}

export function readMachine(runtimeDirectory: string): MachineState {
  return {
    rules: readRules(runtimeDirectory),
    links: readLinks(runtimeDirectory),
    addresses: readAddresses(runtimeDirectory),
  };
}

/** Waits until the machine is as it was: the kernel takes its time to remove the devices of a namespace. */
export async function requireAsBefore(before: MachineState, runtimeDirectory: string): Promise<void> {
  const differs = () => {
    const now = readMachine(runtimeDirectory);
    const added = (key: keyof MachineState) => now[key].filter((line) => !before[key].includes(line));
    return [...added('rules'), ...added('links'), ...added('addresses')];
  };
  await eventually(() => differs().length === 0).catch(() => assert.equal(differs(), []));
  const {rules} = readMachine(runtimeDirectory);
  assert.equal(
    before.rules.filter((line) => !rules.includes(line)),
    [],
    'rules of others are still there',
  );
}

/** As `eventually`, for what has to be asked. */
export async function until(condition: () => Promise<boolean>, {pauseMs = 50} = {}): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`it did not come about: ${condition}`);
    await sleep(pauseMs);
  }
}

/** Rules and chains of one's own, without counters; the tables' own chains come into being when somebody looks. */
function readRules(runtimeDirectory: string): readonly string[] {
  const own = `WINCH-${tagOf(runtimeDirectory)}`;
  return ['iptables-save', 'ip6tables-save']
    .flatMap((program) => run(program, []).split('\n'))
    .filter((line) => line.startsWith('-A') || (line.startsWith(':') && / - \[/.test(line)))
    .map((line) => line.replace(/ \[\d+:\d+\]$/, ''))
    .filter((line) => !/WINCH-[0-9a-f]{8}/.test(line) || line.includes(own));
}

/** The device of the default network of a store. */
export const bridgeOf = (runtimeDirectory: string): string => `winch-${tagOf(`${runtimeDirectory}\0bridge`)}`;

const tagOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);

/** Others' bridges with what is plugged into them are not counted; a bridge that nothing is plugged into is. */
function readLinks(runtimeDirectory: string): readonly string[] {
  const links = JSON.parse(run('ip', ['-json', 'link', 'show'])) as readonly {ifname: string; master?: string}[];
  const used = new Set(links.map(({master}) => master));
  used.delete(bridgeOf(runtimeDirectory));
  return links.filter(({ifname, master}) => master === undefined && !used.has(ifname)).map(({ifname}) => ifname);
}

function readAddresses(runtimeDirectory: string): readonly string[] {
  const directory = join(runtimeDirectory, 'networks');
  return existsSync(directory)
    ? readdirSync(directory, {recursive: true})
        .map(String)
        .filter((name) => name !== 'addresses')
    : [];
}

/** Another machine, as it were: a network namespace that is joined to this one by a cable. */
export interface Neighbour extends AsyncDisposable {
  /** This machine's address at its end of the cable. */
  readonly gateway: string;
  readonly gateway6: string;
  run(command: readonly string[]): string;
}

export async function openNeighbour(): Promise<Neighbour> {
  const holder = spawn('unshare', ['--net', 'sleep', '600'], {stdio: 'ignore'});
  const pid = String(holder.pid);
  const own = readNamespace('self');
  await eventually(() => readNamespace(pid) !== own && readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sleep\n');
  const device = `wt${pid}`;
  const inside = (command: readonly string[]) => run('nsenter', ['--target', pid, '--net', ...command]);
  const third = Number(pid) % 256;
  const gateway = `198.18.${third}.1`;
  run('ip', ['link', 'add', device, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', pid]);
  run('ip', ['address', 'add', `${gateway}/24`, 'dev', device]);
  const gateway6 = `fd98:${third.toString(16)}::1`;
  run('ip', ['address', 'add', `${gateway6}/64`, 'dev', device, 'nodad']);
  run('ip', ['link', 'set', device, 'up']);
  inside(['ip', 'address', 'add', `198.18.${third}.2/24`, 'dev', 'eth0']);
  inside(['ip', 'address', 'add', `${gateway6.slice(0, -1)}2/64`, 'dev', 'eth0', 'nodad']);
  inside(['ip', 'link', 'set', 'eth0', 'up']);
  inside(['ip', 'route', 'add', 'default', 'via', gateway]);
  return {
    ...{gateway, gateway6},
    run: inside,
    [Symbol.asyncDispose]: async () => {
      run('ip', ['link', 'delete', device]);
      holder.kill('SIGKILL');
      await eventually(() => holder.signalCode !== null);
    },
  };
}

function readNamespace(pid: string): string {
  return existsSync(`/proc/${pid}/ns/net`) ? run('readlink', [`/proc/${pid}/ns/net`]) : '';
}

/** What a program prints; fails when it does. */
export const run = (program: string, args: readonly string[]): string =>
  execFileSync(program, args, {encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000});

/** What `busybox wget` of this machine gets; its own limit of time crashes it. */
export const fetchText = (url: string): string =>
  run('busybox', ['timeout', '10', 'busybox', 'wget', '-q', '-O', '-', url]);

/** A shell command that serves a text at a port. */
export const serve = (text: string, port: number): string =>
  `mkdir -p /tmp/www; echo ${text} > /tmp/www/index.html; exec busybox httpd -f -p ${port} -h /tmp/www`;
