import type {LayerCompression} from '../oci/media-types.ts';
import {layerRefusal} from './refusal.ts';

export type Compression = LayerCompression | 'bzip2' | 'xz';

/** As many first bytes as the longest signature has. */
export const SIGNATURE_BYTES = 6;

/** Skippable zstd frames come in 16 flavours, told apart by the low half of the first byte. */
const ZSTD_SKIPPABLE_FIRST = 0x50;
const SIGNATURES: readonly (readonly [name: Compression, hex: string])[] = Object.freeze([
  ['gzip', '1f8b'],
  ['zstd', '28b52ffd'],
  ['bzip2', '425a68'],
  ['xz', 'fd377a585a00'],
]);
const ZSTD_SKIPPABLE_REST = '2a4d18';

/** How what starts with `head` is compressed, as far as that is known here. */
export function findCompression(head: Buffer): Compression {
  const hex = head.toString('hex', 0, SIGNATURE_BYTES);
  if (((head[0] ?? 0) & 0xf0) === ZSTD_SKIPPABLE_FIRST && hex.startsWith(ZSTD_SKIPPABLE_REST, 2)) return 'zstd';
  return SIGNATURES.find(([, signature]) => hex.startsWith(signature))?.[0] ?? 'none';
}

/**
 * How a layer that starts with `head` is compressed. The bytes decide: media types are known to be wrong.
 *
 * @throws {WinchError} `LAYER_COMPRESSION_INVALID`: bzip2 or xz, which no image specification allows.
 */
export function detectCompression(head: Buffer): LayerCompression {
  const name = findCompression(head);
  if (name !== 'bzip2' && name !== 'xz') return name;
  throw layerRefusal('LAYER_COMPRESSION_INVALID', `the layer is compressed with ${name}; images use gzip or zstd`);
}
