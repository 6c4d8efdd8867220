import {readdirSync, readFileSync} from 'node:fs';
import type {ContainerOptions} from '../../bundle/container-options.ts';
import type {HealthCheck} from '../../bundle/health-check.ts';
import {hasErrno, WinchError} from '../../errors.ts';
import {writeFileAtomic} from '../../host/atomic-write.ts';
import {storageError} from '../../host/storage-error.ts';
import {nameInNote} from '../../images/images-in-use.ts';
import type {SnapshotterName} from '../../snapshots/snapshotter.ts';
import type {ContainerContext} from '../context.ts';
import {PASSING, placesOf} from './places.ts';
import type {RestartPolicy} from './restart-policy.ts';

/** Drivers whose containers go on with them: what was written is understood by them alone. */
export type OwnDriver = Extract<SnapshotterName, 'copy' | 'fuse-overlayfs'>;

/** What a container was made from; of that, its name, its limits and its networks may change. */
export interface KeptRecord {
  readonly id: string;
  readonly name: string | null;
  /** ISO 8601. */
  readonly created: string;
  /** As it was asked for. */
  readonly image: string;
  readonly imageId: string;
  /** The whole command line, of the image and the caller. */
  readonly command: readonly string[];
  /** The image's, and over them the caller's. */
  readonly labels: Readonly<Record<string, string>>;
  readonly container: ContainerOptions;
  readonly interactive: boolean;
  /** Whether standard input stays open when that of one who was attached to it has ended. */
  readonly keepsInput?: boolean;
  /** Whether it goes when it ends. */
  readonly autoRemove: boolean;
  /** What gets the pid of its first process at each start; absent: nothing. */
  readonly pidFile?: string;
  /** From which size on its log begins anew; absent: never. */
  readonly largestLogBytes?: number;
  /** Absent: it is not checked. */
  readonly health?: HealthCheck;
  /** Absent: it stays as it ends. */
  readonly restart?: RestartPolicy;
  /** Absolute path of the OCI runtime. */
  readonly runtime: string;
  /** Absent: any of the kernel's drivers. */
  readonly snapshotter?: OwnDriver;
  /** What asks its first process to end. */
  readonly stopSignal: number;
}

/** @throws {WinchError} `STORE_CORRUPT` */
export function findRecord(context: ContainerContext, id: string): KeptRecord | null {
  const {record, note} = placesOf(context, id);
  const text = readOrNull(record);
  if (text === null) return null;
  try {
    const known = JSON.parse(text) as KeptRecord;
    const current = readOrNull(note);
    // The name in the record is the first one; the note is what others go by.
    return current === null ? known : {...known, name: nameInNote(current)};
  } catch (error) {
    throw new WinchError('STORE_CORRUPT', `${record} is damaged`, {
      kind: 'corrupt',
      hint: 'remove the container by force',
      cause: error,
    });
  }
}

/** Whoever calls holds the container's lock. */
export async function saveRecord(context: ContainerContext, record: KeptRecord): Promise<void> {
  const {durability} = context.store;
  const bytes = Buffer.from(`${JSON.stringify(record, null, 2)}\n`);
  await writeFileAtomic(placesOf(context, record.id).record, bytes, {durability, mode: 0o600});
}

/** All kept containers. */
export const listRecords = (context: ContainerContext): readonly KeptRecord[] =>
  listIds(context).flatMap((id) => findRecord(context, id) ?? []);

function listIds({store}: ContainerContext): readonly string[] {
  try {
    return readdirSync(store.paths.kept).filter((name) => !name.startsWith(PASSING));
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return [];
    throw storageError(error, store.paths.kept);
  }
}

export function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}
