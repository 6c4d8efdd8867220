import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import {isWinchError} from '../errors.ts';
import {tryPrivateMounts} from './private-mounts.ts';
import type {ProbeResult} from './probe-erofs.ts';

/** Finds out whether directories can be laid over each other here, by doing so in a private namespace. */
export async function probeOverlay(
  runtimeDirectory: string,
  name: 'overlay' | 'fuse-overlayfs' = 'overlay',
): Promise<ProbeResult> {
  await mkdir(runtimeDirectory, {recursive: true, mode: 0o700});
  const directory = (path: string) => ({type: 'directory', path: join(runtimeDirectory, path), mode: 0o700}) as const;
  try {
    await tryPrivateMounts({
      mounts: [
        {type: 'tmpfs', target: runtimeDirectory, options: 'mode=700'},
        ...['merged', 'top', 'base'].map(directory),
        {
          type: name,
          target: join(runtimeDirectory, 'merged'),
          base: runtimeDirectory,
          lower: ['top', 'base'],
          upper: null,
        },
      ],
    });
    return {name, usable: true, reason: null};
  } catch (error) {
    if (!isWinchError(error)) throw error;
    return {name, usable: false, reason: error.message};
  }
}
