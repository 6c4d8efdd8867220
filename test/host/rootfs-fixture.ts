import {closeSync, constants, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';

/** A directory with a rootfs in it, and a canary beside the rootfs that nothing may touch. */
export interface RootfsFixture {
  readonly directory: string;
  readonly rootfs: string;
  readonly rootFd: number;
  write(path: string, content: string | Buffer, mode?: number): void;
  link(path: string, target: string): void;
  remove(): void;
}

export function makeRootfs(): RootfsFixture {
  const directory = mkdtempSync(join(tmpdir(), 'winch-rootfs-'));
  const rootfs = join(directory, 'rootfs');
  mkdirSync(rootfs);
  writeFileSync(join(directory, 'canary'), 'untouched');
  const rootFd = openSync(rootfs, constants.O_DIRECTORY);
  const place = (path: string): string => {
    mkdirSync(dirname(join(rootfs, path)), {recursive: true});
    return join(rootfs, path);
  };
  return {
    directory,
    rootfs,
    rootFd,
    write: (path, content, mode = 0o644) => writeFileSync(place(path), content, {mode}),
    link: (path, target) => symlinkSync(target, place(path)),
    remove: () => {
      closeSync(rootFd);
      rmSync(directory, {recursive: true});
    },
  };
}
