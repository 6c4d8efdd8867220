import {existsSync, readdirSync, renameSync} from 'node:fs';
import {rm, writeFile} from 'node:fs/promises';
import {basename, join} from 'node:path';
import {WinchError} from '../errors.ts';
import type {Durability} from '../host/atomic-write.ts';
import {randomHex} from '../host/random-hex.ts';
import {runCommand} from '../host/run-command.ts';
import {storageError} from '../host/storage-error.ts';
import type {StorePaths} from './paths.ts';

/**
 * What processes without syncs have stored, on which a durable image cannot count: after a power cut it may be empty
 * files of the right names.
 */
export interface UnsyncedContent {
  /** Before anything is stored without syncs: tells every later process. */
  note(): Promise<void>;
  /** For a durable store, one syncfs(2) where there may be such content. @throws {WinchError} `STORE_IO` */
  settle(): Promise<void>;
  /** The caller knows that nobody stores anything now: what comes later is noted anew. */
  setAside(): void;
  /** As `settle`, for what was set aside, and for good. */
  clear(): Promise<void>;
}

const SEARCH_PATH = '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin';
/** A slow disk may have gigabytes to take. */
const TIMEOUT_MS = 30 * 60_000;

export function createUnsyncedContent({root, unsynced}: StorePaths, durability: Durability): UnsyncedContent {
  const isDurable = durability === 'full';
  const listAside = () => readdirSync(root).filter((name) => name.startsWith(`${basename(unsynced)}.`));
  const isNoted = () => existsSync(unsynced) || (existsSync(root) && listAside().length > 0);
  return {
    note: async () => {
      if (isDurable) return;
      await writeFile(unsynced, '', {flag: 'a', mode: 0o600}).catch((error: unknown) => {
        throw storageError(error, unsynced);
      });
    },
    settle: async () => {
      if (isDurable && isNoted()) await syncFileSystem(root);
    },
    setAside: () => {
      if (isDurable && existsSync(unsynced)) renameSync(unsynced, `${unsynced}.${randomHex(4)}`);
    },
    clear: async () => {
      const aside = isDurable ? listAside() : [];
      if (aside.length === 0) return;
      await syncFileSystem(root);
      for (const name of aside) await rm(join(root, name), {force: true});
    },
  };
}

/** One syncfs(2), in a process of its own since it may take long. @throws {WinchError} `STORE_IO` */
export async function syncFileSystem(root: string): Promise<void> {
  const options = {environment: {PATH: SEARCH_PATH}, timeoutMs: TIMEOUT_MS};
  const {exitCode, stderr} = await runCommand('sync', ['-f', root], options);
  if (exitCode === 0) return;
  throw new WinchError('STORE_IO', `what was stored without syncs cannot be made durable: ${stderr.trim()}`, {
    kind: 'storage',
    hint: 'check the disk; nothing was recorded',
  });
}
