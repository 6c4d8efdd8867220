import {spawn} from 'node:child_process';
import {parentPort, workerData} from 'node:worker_threads';
import {WinchError, type WinchErrorOptions} from '../errors.ts';
import {enterPrivateMountNamespace, type MountStep, performMounts} from '../host/mounts.ts';
import {loadSyscalls} from '../host/syscalls.ts';

export interface PrivateMountsRequest {
  readonly mounts: readonly MountStep[];
  /** A mounted tree to copy to a target that does not exist; null: only mount. */
  readonly copy: {readonly source: string; readonly target: string} | null;
}

export interface PrivateMountsReply {
  readonly failure: {readonly code: string; readonly message: string; readonly options: WinchErrorOptions} | null;
}

const ERROR_LIMIT_BYTES = 2000;

async function mountAndCopy({mounts, copy}: PrivateMountsRequest): Promise<void> {
  const syscalls = loadSyscalls();
  enterPrivateMountNamespace(syscalls);
  performMounts(syscalls, mounts);
  if (copy) await copyTree(copy.source, copy.target);
}

/** cp(1) copies in the kernel and knows every kind of file; a process spawned here shares this thread's mounts. */
const copyTree = (source: string, target: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn('/bin/cp', ['--archive', '--reflink=auto', '--no-target-directory', '--', source, target], {
      env: {LC_ALL: 'C'},
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      if (errors.length < ERROR_LIMIT_BYTES) errors += chunk.toString('utf8');
    });
    parentPort?.once('message', () => child.kill('SIGKILL'));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(copyError(errors, target));
    });
  });

function copyError(errors: string, target: string): WinchError {
  const first = errors.split('\n', 1)[0] ?? '';
  if (/No space left on device/.test(errors)) {
    return new WinchError('STORE_FULL', `no space left for ${target}`, {kind: 'storage', hint: 'free space there'});
  }
  return new WinchError('COPY_FAILED', `the root file system could not be copied: ${first}`, {kind: 'storage'});
}

function describeFailure(error: unknown): PrivateMountsReply['failure'] {
  if (!(error instanceof WinchError)) throw error;
  const {code, message, kind, hint, details} = error;
  return {code, message, options: {kind, details, ...(hint === undefined ? {} : {hint})}};
}

const failure = await mountAndCopy(workerData as PrivateMountsRequest).then(() => null, describeFailure);
parentPort?.postMessage({failure} satisfies PrivateMountsReply);
parentPort?.unref();
