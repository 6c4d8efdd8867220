import {posix} from 'node:path';
import {WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {ImageConfig} from '../oci/image-config.ts';

/**
 * Refuses volumes that an image may not ask for: relative, climbing (CVE-2022-23648), the root, or over `/proc`
 * (CVE-2019-16884). The others need no mount: a container's writes are thrown away with its upper layer.
 *
 * @throws {WinchError} `VOLUME_INVALID`
 */
export function validateVolumes(image: ImageConfig | null): void {
  for (const path of Object.keys(image?.config.Volumes ?? {})) {
    const isPlain = posix.isAbsolute(path) && !path.includes('\0') && !path.split('/').includes('..');
    const directory = posix.resolve('/', path);
    if (isPlain && directory !== '/' && !`${directory}/`.startsWith('/proc/')) continue;
    throw new WinchError('VOLUME_INVALID', `the image's volume ${excerpt(path)} is not a path it may mount over`, {
      kind: 'refused',
    });
  }
}
