import type {TarEntry} from '../../fixtures/build-tar.ts';

/** A source of numbers that gives the same ones for the same seed (mulberry32). */
export function seededRandom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** Entries as a layer may have them, that GNU tar and overlays mean the same by. */
export function randomEntries(seed: number, count: number): TarEntry[] {
  const pick = seededRandom(seed);
  const directories: Buffer[] = [Buffer.alloc(0)];
  const files: Buffer[] = [];
  const newPath = (index: number) => {
    const parent = directories[pick(directories.length)] ?? Buffer.alloc(0);
    return Buffer.concat([parent, randomName(pick, index)]);
  };
  return Array.from({length: count}, (_, index): TarEntry => {
    const path = newPath(index);
    const common = {
      path,
      mode: pick(0o10000),
      uid: pick(3) === 0 ? pick(2 ** 31) : pick(2000),
      gid: pick(2000),
      mtime: pick(2 ** 31) + pick(1000) / 1000,
      ...(pick(4) === 0 ? {xattrs: randomXattrs(pick)} : {}),
    };
    const kind = pick(10);
    if (kind < 3 && path.length < 1500) {
      directories.push(Buffer.concat([path, Buffer.from('/')]));
      return {...common, type: 'directory'};
    }
    if (kind === 3) return {path, mtime: common.mtime, uid: common.uid, type: 'symlink', linkPath: randomTarget(pick)};
    const target = files[pick(Math.max(files.length, 1))];
    if (kind === 4 && target) return {path, type: 'hardlink', linkPath: target};
    if (kind === 5) return {...common, type: 'fifo', xattrs: {}};
    if (kind === 6) return {...common, type: 'block', devMajor: pick(4096), devMinor: pick(2 ** 20), xattrs: {}};
    files.push(path);
    return {...common, content: Buffer.alloc(pick(3) === 0 ? 0 : pick(3000), index)};
  });
}

/** Any bytes but slash and NUL; unique by its number, and no whiteout since it never starts with a dot. */
function randomName(pick: (limit: number) => number, index: number): Buffer {
  const length = pick(8) === 0 ? pick(240) : pick(12);
  const bytes = Array.from({length}, () => pick(255) + 1).map((byte) => (byte === 0x2f ? 0x20 : byte));
  return Buffer.concat([Buffer.from([0x21 + pick(5)]), Buffer.from(bytes), Buffer.from(`~${index}`)]);
}

const randomTarget = (pick: (limit: number) => number): Buffer =>
  Buffer.from(`${pick(2) ? '/' : ''}${'t'.repeat(pick(4) === 0 ? pick(4000) : pick(100))}x`);

function randomXattrs(pick: (limit: number) => number): Record<string, Buffer> {
  const names = Array.from({length: 1 + pick(4)}, (_, index) => `user.${'n'.repeat(pick(20))}${index}`);
  return Object.fromEntries(names.map((name) => [name, Buffer.alloc(pick(300), pick(256))]));
}
