import {existsSync, readdirSync, statSync} from 'node:fs';

/** Path and `major:minor` of a whole disk of this machine; null when it has none that a test can name. */
export function findDisk(): {readonly path: string; readonly numbers: string} | null {
  const paths = readdirSync('/dev').map((name) => `/dev/${name}`);
  for (const path of paths.filter((path) => statSync(path, {throwIfNoEntry: false})?.isBlockDevice())) {
    const {rdev} = statSync(path);
    const numbers = `${(rdev >> 8) & 0xfff}:${(rdev & 0xff) | ((rdev >> 12) & 0xfff00)}`;
    if (!existsSync(`/sys/dev/block/${numbers}/partition`)) return {path, numbers};
  }
  return null;
}
