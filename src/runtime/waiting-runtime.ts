import {closeSync, constants, linkSync, mkdirSync, openSync, readFileSync, renameSync, writeSync} from 'node:fs';
import {basename, join} from 'node:path';
import {hasErrno} from '../errors.ts';
import {makeNamedPipe} from '../host/named-pipe.ts';
import type {RunningContainer, WaitingRuntime} from './runtime.ts';

export interface WaitingRequest {
  /** The container's bundle, of which there is no config.json yet. */
  readonly bundle: string;
  /** Starts the runtime with the bundle in a directory, and with what ends it at once. */
  start(bundle: string): {readonly container: RunningContainer; end(): Promise<void>};
}

const CONFIG = 'config.json';
const DIRECTORY = 'start';

/** Whether a runtime is known to take its configuration from a pipe. */
export const canWait = (runtimePath: string): boolean => basename(runtimePath) === 'runc';

/**
 * Starts a runtime that waits for its configuration: until it looks for one it needs 6 ms, in which the root file system
 * is mounted and the configuration written.
 *
 * It reads a pipe that only this process can write to, and gives up by itself when this process dies. The pipe lies in a
 * directory of its own: whoever else looks at the container's configuration must not take it away.
 */
export function startWaiting({bundle, start}: WaitingRequest): WaitingRuntime {
  const directory = join(bundle, DIRECTORY);
  const pipePath = join(directory, CONFIG);
  mkdirSync(directory, {mode: 0o700});
  makeNamedPipe(pipePath, 0o600);
  const fd = openSync(pipePath, constants.O_RDWR | constants.O_NONBLOCK);
  let isOpen = true;
  const close = () => {
    if (isOpen) closeSync(fd);
    isOpen = false;
  };
  try {
    const {container, end} = start(directory);
    let hasProceeded = false;
    return {
      proceed: () => {
        hasProceeded = give(join(bundle, CONFIG), {fd, pipePath});
        if (!hasProceeded) void end();
        close();
        return hasProceeded ? container : null;
      },
      giveUp: async () => {
        if (!hasProceeded) await end();
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** @returns whether the runtime has all of it: more than fits into a pipe would wait for a reader that may be dead. */
function give(configPath: string, {fd, pipePath}: {readonly fd: number; readonly pipePath: string}): boolean {
  const config = readFileSync(configPath);
  if (writeWhatFits(fd, config) < config.length) return false;
  // A runtime that opens it only when the pipe is gone finds the file in its place.
  linkSync(configPath, `${pipePath}.file`);
  renameSync(`${pipePath}.file`, pipePath);
  return true;
}

function writeWhatFits(fd: number, bytes: Buffer): number {
  try {
    return writeSync(fd, bytes);
  } catch (error) {
    if (hasErrno(error, 'EAGAIN')) return 0;
    throw error;
  }
}
