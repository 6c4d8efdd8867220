import {readFileSync} from 'node:fs';

/** The version of this package, as its package.json says. */
export function readVersion(): string {
  // Both src/cli and dist/cli lie two levels below the package.
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  if (typeof manifest === 'object' && manifest && 'version' in manifest && typeof manifest.version === 'string') {
    return manifest.version;
  }
  throw new Error('package.json names no version');
}
