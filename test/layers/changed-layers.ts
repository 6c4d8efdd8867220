import type {TarEntry} from '../../fixtures/build-tar.ts';
import {randomEntries, seededRandom} from './random-entries.ts';

const SLASH = Buffer.from('/');
const WHITEOUT = Buffer.from('.wh.');
const OPAQUE = Buffer.from('.wh..wh..opq');

/** Layers of which each upper one removes, replaces, hides and adds to what the ones below have. */
export function randomLayers(seed: number, count: number): readonly (readonly TarEntry[])[] {
  // The overlay driver's mounts show no attributes of directories that upper layers only imply.
  const base = randomEntries(seed, 120).map((entry) => (entry.type === 'directory' ? {...entry, xattrs: {}} : entry));
  const layers: TarEntry[][] = [[{path: './', type: 'directory', mode: 0o755, mtime: seed}, ...base]];
  const known = base.map(({path, type}) => ({path: bytesOf(path), isDirectory: type === 'directory'}));
  for (let index = 1; index < count; index += 1) {
    const pick = seededRandom(seed * 1000 + index);
    const changed = new Set<string>();
    const entries: TarEntry[] = [];
    for (let change = 0; change < 25; change += 1) {
      const victim = known[pick(known.length)];
      if (!victim || touches(changed, victim.path)) continue;
      changed.add(keyOf(victim.path));
      entries.push(...changeEntry(victim, pick, `${index}-${change}`));
    }
    layers.push(entries);
  }
  return layers;
}

interface Victim {
  readonly path: Buffer;
  readonly isDirectory: boolean;
}

function changeEntry({path, isDirectory}: Victim, pick: (limit: number) => number, mark: string): readonly TarEntry[] {
  const inside = (name: Buffer | string) => Buffer.concat([path, SLASH, Buffer.from(name)]);
  const parent = path.subarray(0, path.lastIndexOf(SLASH) + 1);
  const name = path.subarray(parent.length);
  switch (pick(5)) {
    case 0:
      return [{path: Buffer.concat([parent, WHITEOUT, name]), content: ''}];
    case 1:
      return [{path, content: `replaced ${mark}`, mode: 0o640, mtime: 5}];
    case 2:
      return [
        {path, type: 'directory', mode: 0o711, uid: 7, mtime: 6.5},
        {path: inside(mark), content: mark},
      ];
    case 3:
      // The directory itself is only implied.
      return isDirectory ? [{path: inside(mark), content: mark}] : [{path, type: 'fifo', mode: 0o600}];
    default:
      return isDirectory
        ? [
            {path, type: 'directory', mode: 0o700},
            {path: inside(OPAQUE), content: ''},
            {path: inside(mark), content: mark},
          ]
        : [{path, type: 'symlink', linkPath: `/${mark}`}];
  }
}

/** Whether a path lies at, above or below one that the layer has changed already. */
function touches(changed: ReadonlySet<string>, path: Buffer): boolean {
  const key = keyOf(path);
  return [...changed].some((other) => key.startsWith(other) || other.startsWith(key));
}

const keyOf = (path: Buffer): string => `${path.toString('latin1')}/`;

/** Without the slash that ends a directory's. */
function bytesOf(path: string | Buffer): Buffer {
  const bytes = Buffer.from(path);
  return bytes.at(-1) === 0x2f ? bytes.subarray(0, -1) : bytes;
}
