import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {hasErrno} from '../errors.ts';
import {killAsOwner} from './kill-as-owner.ts';
import {monotonicMs} from './monotonic-ms.ts';
import {isLiving, type ProcessIdentity, parseProcessStat} from './process-identity.ts';

const POLL_MS = 5;
/** One that waits for a dead disk may take for ever to die. */
const LIMIT_MS = 2000;

/** Whether one of the processes has ended that were noted in a directory as serving mounts. */
export const hasDeadServer = (directory: string): boolean => readServers(directory).some((server) => !server.isLiving);

/** Ends the processes that are noted in a directory as serving mounts, which nothing uses any more. */
export async function endServers(directory: string): Promise<void> {
  let end: number | null = null;
  for (let left = livingIn(directory); left.length > 0; left = livingIn(directory)) {
    // Asked only now: to load the clock takes 1 ms.
    end ??= monotonicMs() + LIMIT_MS;
    if (monotonicMs() >= end) return;
    for (const {pid} of left) await killAsOwner(pid);
    await sleep(POLL_MS);
  }
}

type FoundServer = ProcessIdentity & {readonly isLiving: boolean};

const livingIn = (directory: string): readonly FoundServer[] =>
  readServers(directory).filter((server) => server.isLiving);

/** A note that is not whole is of a process that was killed before it served anything. */
const readServers = (directory: string): readonly FoundServer[] =>
  namesIn(directory).flatMap((name) => {
    const server = parseProcessStat(readFileSync(join(directory, name), 'latin1'));
    return server === null ? [] : [{...server, isLiving: isLiving(server)}];
  });

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}
