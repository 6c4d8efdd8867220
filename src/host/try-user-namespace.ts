import {mkdirSync, readFileSync, renameSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno, WinchError} from '../errors.ts';
import {readBootId} from './boot-id.ts';
import {type NamespacePlan, planUserNamespace} from './plan-user-namespace.ts';
import {randomHex} from './random-hex.ts';
import {runCommand} from './run-command.ts';
import {storageError} from './storage-error.ts';
import type {Account} from './subordinate-ids.ts';
import {SYSTEM_PATH} from './system-programs.ts';

const REASON_LIMIT = 200;
const FILE = 'user-namespace.json';
const ENVIRONMENT = Object.freeze({PATH: SYSTEM_PATH, LANG: 'C.UTF-8'});
/** What keeps users from making namespaces, and the value that lets them. */
const SWITCHES: readonly (readonly [name: string, value: string])[] = [
  ['kernel.apparmor_restrict_unprivileged_userns', '0'],
  ['kernel.unprivileged_userns_clone', '1'],
  ['user.max_user_namespaces', '15000'],
];

/**
 * The user namespace that works for a user here: the best of the planned ones.
 *
 * What was found is remembered in the runtime's directory until the machine is started again or the plan is another one.
 *
 * @throws {WinchError} `USER_NAMESPACE_DENIED`
 */
export async function tryUserNamespace(account: Account, runtimeDirectory: string): Promise<NamespacePlan> {
  const plans = planUserNamespace(account);
  const question = JSON.stringify([readBootId(), plans]);
  const remembered = readFacts(runtimeDirectory);
  if (remembered?.question === question) return remembered.found;
  const found = await findWorking(plans);
  remember(runtimeDirectory, {question, found});
  return found;
}

/** The switch of this kernel that keeps users from making namespaces, as sysctl(8) sets it; null: none. */
function findClosedSwitch(): string | null {
  const closed = SWITCHES.find(([name, open]) => {
    const value = readSwitch(name);
    return value !== null && (open.length > 1 ? value === '0' : value !== open);
  });
  return closed === undefined ? null : closed.join('=');
}

async function findWorking(plans: readonly NamespacePlan[]): Promise<NamespacePlan> {
  const failures: string[] = [];
  for (const plan of plans) {
    const failure = await failureOf(plan);
    if (failure === null) return failures.length === 0 ? plan : {...plan, missing: failures.join(', ')};
    failures.push(failure);
  }
  throw denied(plans.length === 0 ? 'unshare is not installed' : (failures[0] ?? ''), findRemedy(plans));
}

function findRemedy(plans: readonly NamespacePlan[]): string | null {
  if (plans.length === 0) return 'apt-get install util-linux';
  const closed = findClosedSwitch();
  return closed === null ? null : `sysctl -w ${closed}`;
}

const denied = (reason: string, remedy: string | null): WinchError =>
  new WinchError('USER_NAMESPACE_DENIED', `this user cannot be root of a user namespace: ${reason}`, {
    kind: 'unsupported',
    hint: remedy === null ? 'run as root' : `as root: ${remedy}`,
    details: remedy === null ? {} : {remedy},
  });

async function failureOf({words: [program = '', ...words]}: NamespacePlan): Promise<string | null> {
  const {exitCode, stderr} = await runCommand(program, [...words, 'true'], {environment: ENVIRONMENT});
  return exitCode === 0 ? null : (stderr.trim().split('\n')[0] ?? '').slice(0, REASON_LIMIT);
}

/** What was last found to work, in this run of the machine or an earlier one; null: nothing yet. */
export const recallUserNamespace = (runtimeDirectory: string): NamespacePlan | null =>
  readFacts(runtimeDirectory)?.found ?? null;

interface Facts {
  readonly question: string;
  readonly found: NamespacePlan;
}

function readFacts(runtimeDirectory: string): Facts | null {
  try {
    return JSON.parse(readFileSync(join(runtimeDirectory, FILE), 'utf8'));
  } catch (error) {
    // A file that cannot be understood is as good as none.
    if (error instanceof SyntaxError || hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return null;
    throw error;
  }
}

function remember(runtimeDirectory: string, facts: Facts): void {
  try {
    mkdirSync(runtimeDirectory, {recursive: true, mode: 0o700});
    const path = join(runtimeDirectory, FILE);
    const staging = `${path}.${randomHex(4)}`;
    writeFileSync(staging, `${JSON.stringify(facts)}\n`, {mode: 0o600});
    renameSync(staging, path);
  } catch (error) {
    throw storageError(error, runtimeDirectory);
  }
}

function readSwitch(name: string): string | null {
  try {
    return readFileSync(join('/proc/sys', name.replace('.', '/')), 'utf8').trim();
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'EACCES')) return null;
    throw error;
  }
}
