import {spawnSync} from 'node:child_process';

const PROGRAM = 'fsck.erofs';
/** erofs-utils reads blocks below the page size from here on. */
const OLDEST = Object.freeze({major: 1, minor: 6});

/** Why layer files cannot be checked with fsck.erofs here; undefined when they can. */
export const fsckSkip = ((): string | undefined => {
  const {stdout} = spawnSync(PROGRAM, ['-V'], {encoding: 'utf8'});
  const [, major, minor] = (/(\d+)\.(\d+)/.exec(stdout ?? '') ?? []).map(Number);
  if (major === undefined || minor === undefined) return `${PROGRAM} is not installed`;
  const isRecent = major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor);
  return isRecent ? undefined : `${PROGRAM} ${major}.${minor} reads no blocks of 512 bytes`;
})();

/** What fsck.erofs has against a layer file (or one that has others as devices); null when it passes, or cannot be asked ({@link fsckSkip}). */
export function fsckFindings(path: string, devices: readonly string[] = []): string | null {
  if (fsckSkip !== undefined) return null;
  const {status, signal, stdout, stderr} = spawnSync(
    PROGRAM,
    [...devices.map((device) => `--device=${device}`), path],
    {
      encoding: 'utf8',
    },
  );
  return status === 0 ? null : `${PROGRAM} ended with ${status ?? signal}: ${stdout}${stderr}`;
}
