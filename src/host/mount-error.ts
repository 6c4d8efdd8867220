import {hasErrno, WinchError} from '../errors.ts';
import type {MountStep} from './mounts.ts';
import {storageError} from './storage-error.ts';

/** What it means that a mount step has failed with an error of the system. */
export function mountError(step: MountStep, error: unknown): unknown {
  if (error instanceof WinchError) return error;
  if (step.type === 'either') return error;
  if (step.type === 'directory') return storageError(error, step.path);
  if (step.type === 'erofs' && hasErrno(error, 'ENOENT', 'EUCLEAN', 'EIO')) return damagedLayer(step.source, error);
  if (step.type === 'erofs' && hasErrno(error, 'ENODEV', 'EINVAL', 'EPERM')) {
    return new WinchError(
      'MOUNT_UNSUPPORTED',
      `this kernel cannot mount a layer with the erofs driver (${error.code})`,
      {
        kind: 'unsupported',
        hint: 'Linux 6.4 or later with EROFS is needed; `modprobe erofs` may help',
        cause: error,
      },
    );
  }
  if (step.type === 'overlay' && step.upper !== null && hasErrno(error, 'EINVAL')) {
    return new WinchError('UPPER_UNSUPPORTED', 'this file system cannot hold what is written to an overlay', {
      kind: 'unsupported',
      cause: error,
    });
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new WinchError('MOUNT_FAILED', `cannot mount ${step.type} at ${step.target}: ${reason}`, {
    kind: 'unsupported',
    cause: error,
  });
}

const damagedLayer = (path: string, cause: NodeJS.ErrnoException) =>
  new WinchError('STORE_CORRUPT', `the layer file ${path} is missing or damaged (${cause.code})`, {
    kind: 'corrupt',
    hint: 'remove the image and pull it again',
    cause,
  });
