import {type Dirent, existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';

export interface TracePlaces {
  readonly root: string;
  readonly runtimeDirectory: string;
}

/** What is left on this machine of containers, by their ids or the places that they lie in: directories, cgroups, mounts and processes. */
export function tracesOf(ids: readonly string[], {root, runtimeDirectory}: TracePlaces): readonly string[] {
  const parents = [
    join(root, 'kept'),
    ...['kept', 'runc', 'exec', 'containers'].map((name) => join(runtimeDirectory, name)),
  ];
  const directories = parents
    .flatMap((parent) => namesIn(parent).map((name) => join(parent, name)))
    .filter((path) => !path.endsWith('/.locks'));
  const lines = [...readLines('/proc/self/mountinfo'), ...processes().map(({words}) => words.join(' '))];
  return [...directories, ...listCgroups(), ...lines].filter((line) => ids.some((id) => line.includes(id)));
}

/** The directories of all cgroups of this machine. */
export const listCgroups = (): readonly string[] => listDirectories('/sys/fs/cgroup');

function listDirectories(parent: string): readonly string[] {
  const paths = readEntries(parent).flatMap((entry) => (entry.isDirectory() ? join(parent, entry.name) : []));
  return paths.flatMap((path) => [path, ...listDirectories(path)]);
}

/** Cgroups of others may go meanwhile. */
function readEntries(directory: string): readonly Dirent[] {
  try {
    return readdirSync(directory, {withFileTypes: true});
  } catch {
    return [];
  }
}

export interface SeenProcess {
  readonly pid: number;
  readonly words: readonly string[];
}

/** The processes of this machine with their command lines. */
export const processes = (): readonly SeenProcess[] =>
  namesIn('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => ({pid: Number(pid), words: readLines(`/proc/${pid}/cmdline`).join('\n').split('\0')}));

export const namesIn = (path: string): readonly string[] => (existsSync(path) ? readdirSync(path) : []);

function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}
