import type {SkippedFiles} from '../layers/write-rootfs.ts';

/** What was written otherwise than the image has it, as the end of a sentence; null: nothing. */
export function describeSkipped({owners, devices, xattrs}: SkippedFiles): string | null {
  const parts = [
    owners > 0 ? `${owners} ${owners === 1 ? 'belongs' : 'belong'} to you instead of the owner` : null,
    devices > 0 ? `${devices} ${devices === 1 ? 'device is' : 'devices are'} missing` : null,
    xattrs > 0 ? `${xattrs} ${xattrs === 1 ? 'lacks' : 'lack'} extended attributes` : null,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join(', ');
}
