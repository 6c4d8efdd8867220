import {spawn} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {hasErrno, WinchError} from '../errors.ts';
import {runCommand} from '../host/run-command.ts';
import {findSystemProgram, SYSTEM_PATH} from '../host/system-programs.ts';
import {excerpt} from '../oci/excerpt.ts';
import {createRestoreScript, type FirewallPlan} from './firewall-rules.ts';
import {type ForwardedPorts, parseForwardedPorts} from './foreign-ports.ts';

export interface FirewallOptions {
  /** Those of which there are, or were, rules. */
  readonly families: readonly (4 | 6)[];
}

const PROGRAMS = Object.freeze({4: 'iptables', 6: 'ip6tables'});
const ENVIRONMENT = Object.freeze({PATH: SYSTEM_PATH, LANG: 'C.UTF-8'});
/** How long another program may be at the firewall, in seconds. */
const PATIENCE = '20';
const COMPLAINT_LIMIT = 4096;

/**
 * Makes the firewall's rules of a store what the plan says. Nobody else's rule is touched; those of other stores have
 * another tag.
 *
 * @throws {WinchError} `FIREWALL_NOT_FOUND` | `FIREWALL_FAILED`
 */
export async function applyFirewall(plan: FirewallPlan, {families}: FirewallOptions): Promise<void> {
  for (const family of families) {
    const isOwn = (line: string) => line.startsWith('*') || line.includes(plan.tag);
    const saved = await readRules(requireProgram(`${PROGRAMS[family]}-save`), isOwn);
    const script = createRestoreScript(plan, {family, saved});
    if (script !== '') await restore(requireProgram(`${PROGRAMS[family]}-restore`), script);
  }
}

/**
 * The ports of this machine that others' rules forward.
 *
 * @param tag As of `FirewallPlan`.
 * @throws {WinchError} `FIREWALL_NOT_FOUND` | `FIREWALL_FAILED`
 */
export async function readForwardedPorts(tag: string, {families}: FirewallOptions): Promise<readonly ForwardedPorts[]> {
  const isRule = (line: string) => line.startsWith('-A') && /-j (?:DNAT|REDIRECT)\b/.test(line);
  const read = (family: 4 | 6) => readRules(requireProgram(`${PROGRAMS[family]}-save`), isRule, ['-t', 'nat']);
  return (await Promise.all(families.map(read))).flatMap((saved) => parseForwardedPorts(saved, tag));
}

/** @throws {WinchError} `FIREWALL_NOT_FOUND`: what `applyFirewall` would need is missing */
export function requireFirewallPrograms({families}: FirewallOptions): void {
  for (const family of families) for (const part of ['save', 'restore']) requireProgram(`${PROGRAMS[family]}-${part}`);
}

/**
 * Lets connections to this machine's loopback addresses be forwarded to a bridge.
 *
 * @see https://www.kernel.org/doc/html/latest/networking/ip-sysctl.html (route_localnet)
 */
export function routeLoopback(bridge: string): void {
  try {
    writeFileSync(`/proc/sys/net/ipv4/conf/${bridge}/route_localnet`, '1');
  } catch (error) {
    // In a container, it may be read-only: the ports are then reached by the machine's other addresses.
    if (!hasErrno(error, 'ENOENT', 'EROFS', 'EACCES', 'EPERM')) throw error;
  }
}

async function restore(program: string, script: string): Promise<void> {
  const {exitCode, stderr} = await runCommand(program, ['--noflush', '--wait', PATIENCE], {
    environment: ENVIRONMENT,
    input: script,
  });
  if (exitCode !== 0) throw failed(program, stderr);
}

/** The rules of others may be many: only some lines are kept. */
function readRules(program: string, isKept: (line: string) => boolean, words: readonly string[] = []): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, {env: ENVIRONMENT, stdio: ['ignore', 'pipe', 'pipe']});
    let [kept, rest, complaint] = ['', '', ''];
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      const lines = (rest + piece).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (isKept(line)) kept += `${line}\n`;
    });
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      complaint = (complaint + piece).slice(0, COMPLAINT_LIMIT);
    });
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve(kept) : reject(failed(program, complaint))));
  });
}

function requireProgram(name: string): string {
  const found = findSystemProgram(name);
  if (found !== null) return found;
  throw new WinchError('FIREWALL_NOT_FOUND', `${name}, which networks need, is not installed`, {
    kind: 'unsupported',
    hint: 'install it (apt-get install iptables, dnf install iptables-nft)',
  });
}

const failed = (program: string, complaint: string): WinchError =>
  new WinchError('FIREWALL_FAILED', `${program} could not set the firewall: ${excerpt(complaint.trim())}`, {
    kind: 'runtime',
    hint: 'is this kernel able to translate addresses (nf_nat, xt_MASQUERADE)?',
  });
