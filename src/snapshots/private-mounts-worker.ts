import {parentPort, workerData} from 'node:worker_threads';
import {WinchError, type WinchErrorOptions} from '../errors.ts';
import {enterPrivateMountNamespace, type MountStep, performMounts} from '../host/mounts.ts';
import {loadSyscalls} from '../host/syscalls.ts';

export interface PrivateMountsRequest {
  readonly mounts: readonly MountStep[];
}

export interface PrivateMountsReply {
  readonly failure: {readonly code: string; readonly message: string; readonly options: WinchErrorOptions} | null;
}

function tryMounts({mounts}: PrivateMountsRequest): PrivateMountsReply['failure'] {
  try {
    const syscalls = loadSyscalls();
    enterPrivateMountNamespace(syscalls);
    performMounts(syscalls, mounts);
    return null;
  } catch (error) {
    return describeFailure(error);
  }
}

function describeFailure(error: unknown): PrivateMountsReply['failure'] {
  if (!(error instanceof WinchError)) throw error;
  const {code, message, kind, hint, details} = error;
  return {code, message, options: {kind, details, ...(hint === undefined ? {} : {hint})}};
}

parentPort?.postMessage({failure: tryMounts(workerData as PrivateMountsRequest)} satisfies PrivateMountsReply);
