import {mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {readBootId} from '../host/boot-id.ts';
import {randomHex} from '../host/random-hex.ts';
import {storageError} from '../host/storage-error.ts';
import type {StorePaths} from '../store/paths.ts';
import {namesIn, unlessGone} from '../store/unless-gone.ts';

/** A bundle whose root file system is mounted from the layers of an image. */
export interface MountedBundle {
  readonly imageId: string;
  /** Absolute path, as it was when it was mounted. */
  readonly directory: string;
  /** The number that the kernel gave to the file system (`st_dev`). */
  readonly device: number;
}

interface Note extends MountedBundle {
  readonly boot: string;
  /** The mount namespace in which others see it. */
  readonly namespace: string;
}

const NAME = /^[0-9a-f]+\.json$/;
/** Of /proc/PID/mountinfo (proc(5)): `major:minor`, and behind the separator the type. */
const DEVICE_FIELD = 2;
const TYPE = ' - overlay ';
const MAJORS = 4096;
const MINOR_LOW = 256;

/**
 * Notes that a bundle is mounted, which keeps its image in the store until the mount is gone.
 *
 * @throws {WinchError} of a store that cannot be written
 */
export function noteMountedBundle({bundles}: StorePaths, bundle: MountedBundle): void {
  const path = join(bundles, `${randomHex(8)}.json`);
  const note: Note = {...bundle, boot: readBootId(), namespace: readNamespace()};
  try {
    mkdirSync(bundles, {recursive: true, mode: 0o700});
    writeFileSync(`${path}.new`, JSON.stringify(note), {mode: 0o600});
    renameSync(`${path}.new`, path);
  } catch (error) {
    throw storageError(error, bundles);
  }
}

/** The bundles that are mounted, as far as the kernel tells: those of another mount namespace count until a restart. */
export function listMountedBundles(paths: StorePaths): readonly MountedBundle[] {
  const notes = readNotes(paths);
  if (notes.length === 0) return [];
  const mounted = readMounted();
  return notes.flatMap(({note}) => (note !== null && isMounted(note, mounted) ? [note] : []));
}

/** Removes the notes of bundles that are not mounted any more. */
export function forgetUnmountedBundles(paths: StorePaths): void {
  try {
    const mounted = readMounted();
    for (const {path, note} of readNotes(paths)) {
      if (note === null || !isMounted(note, mounted)) rmSync(path, {force: true});
    }
  } catch (error) {
    throw storageError(error, paths.bundles);
  }
}

function isMounted({boot, namespace, device}: Note, mounted: ReadonlySet<number>): boolean {
  if (boot !== readBootId()) return false;
  return namespace !== readNamespace() || mounted.has(device);
}

const readNamespace = (): string => readlinkSync('/proc/thread-self/ns/mnt');

/** The numbers of all overlays that this process sees. */
const readMounted = (): ReadonlySet<number> =>
  new Set(
    readFileSync('/proc/thread-self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(TYPE))
      .map((line) => deviceOf(line.split(' ')[DEVICE_FIELD] ?? '')),
  );

/** As `st_dev` has it (makedev(3)): the low 8 bits of minor, 12 bits of major, the rest of minor. */
function deviceOf(text: string): number {
  const [major = 0, minor = 0] = text.split(':').map(Number);
  const low = minor % MINOR_LOW;
  return (minor - low) * MAJORS + major * MINOR_LOW + low;
}

function readNotes({bundles}: StorePaths): readonly {readonly path: string; readonly note: Note | null}[] {
  return namesIn(bundles)
    .filter((name) => NAME.test(name))
    .map((name) => {
      const path = join(bundles, name);
      return {path, note: unlessGone(() => parse(readFileSync(path, 'utf8')), null)};
    });
}

/** Null: a power cut has left less than was written. */
function parse(text: string): Note | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
