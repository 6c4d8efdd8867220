import type {Descriptor} from '../../oci/descriptor.ts';
import {type Digest, isDigest} from '../../oci/digest.ts';
import {layerCompression} from '../../oci/media-types.ts';

/**
 * How a layer says what it has where, so that a file of it can be read without the rest:
 *
 * - `estargz` in a table behind its files, found by the blob's last bytes
 * - `zstd:chunked` in a table whose place the layer's descriptor names
 */
export type ChunkedFormat =
  | {readonly name: 'estargz'; readonly tocDigest: Digest}
  | {
      readonly name: 'zstd:chunked';
      /** Of the table as it lies in the blob, packed. */
      readonly tocDigest: Digest;
      readonly tocStart: number;
      readonly tocBytes: number;
      readonly unpackedTocBytes: number;
    };

const ESTARGZ_DIGEST = 'containerd.io/snapshot/stargz/toc.digest';
/** The second is that of tools before 2023. */
const ZSTD_PREFIXES: readonly string[] = Object.freeze(['io.github.containers', 'io.containers']);
/** Offset, length, unpacked length, and the one type of table there is. */
const POSITION = /^(\d{1,15}):(\d{1,15}):(\d{1,15}):1$/;

/**
 * The format that a layer's descriptor vouches for; null for none. What no annotation of a manifest vouches for is not
 * looked for: nothing would say that it is the right one. Annotations outlive another compression, so the media type has
 * to be that of the format.
 *
 * @see stargz-snapshotter docs/estargz.md#content-verification-in-estargz
 * @see containers/storage pkg/chunked/internal/minimal/compression.go (ManifestInfoKey)
 */
export function findChunkedFormat(descriptor: Descriptor): ChunkedFormat | null {
  const compression = layerCompression(descriptor.mediaType);
  const tocDigest = descriptor.annotations?.[ESTARGZ_DIGEST];
  if (compression === 'gzip' && isDigest(tocDigest)) return {name: 'estargz', tocDigest};
  return compression === 'zstd' ? findZstdChunked(descriptor) : null;
}

function findZstdChunked({annotations = {}, size}: Descriptor): ChunkedFormat | null {
  const prefix = ZSTD_PREFIXES.find((candidate) => `${candidate}.zstd-chunked.manifest-checksum` in annotations);
  const tocDigest = annotations[`${prefix}.zstd-chunked.manifest-checksum`];
  const position = POSITION.exec(annotations[`${prefix}.zstd-chunked.manifest-position`] ?? '');
  if (!isDigest(tocDigest) || position === null) return null;
  const [tocStart = 0, tocBytes = 0, unpackedTocBytes = 0] = position.slice(1).map(Number);
  if (tocStart + tocBytes > size) return null;
  return {name: 'zstd:chunked', tocDigest, tocStart, tocBytes, unpackedTocBytes};
}
