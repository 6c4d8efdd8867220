import {accessSync, constants} from 'node:fs';

const DIRECTORIES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Why tests that need root and these programs cannot run here; undefined when they can. */
export function missingFor(...programs: readonly string[]): string | undefined {
  const missing = programs.filter((program) => findProgram(program) === null);
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  return process.getuid?.() === 0 ? undefined : 'needs root';
}

/** The path of an installed program; null when it is not there. */
export function findProgram(name: string): string | null {
  for (const directory of DIRECTORIES) {
    try {
      accessSync(`${directory}/${name}`, constants.X_OK);
      return `${directory}/${name}`;
    } catch {}
  }
  return null;
}
