import {basename, dirname} from 'node:path';
import type {HostFiles} from '../../src/registry/host-plan.ts';

/** Files of configuration that are nowhere but in a test; `reads` counts what was asked for. */
export function memoryFiles(files: Readonly<Record<string, string>>): HostFiles & {readonly reads: readonly string[]} {
  const reads: string[] = [];
  return {
    reads,
    read: async (path) => {
      reads.push(path);
      const text = files[path];
      return text === undefined ? null : Buffer.from(text);
    },
    list: async (directory) => {
      reads.push(directory);
      return Object.keys(files)
        .filter((path) => dirname(path) === directory)
        .map((path) => basename(path))
        .toSorted();
    },
  };
}
