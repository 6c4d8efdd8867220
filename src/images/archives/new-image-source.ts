import {type FileRegion, readRegion} from '../../host/file-regions.ts';
import type {ContentSource} from '../../media/content.ts';
import {readDocument} from '../../media/content-document.ts';
import {type Digest, digestOf} from '../../oci/digest.ts';

export interface NewImage {
  readonly manifestType: string;
  readonly config: {readonly mediaType: string; readonly bytes: Buffer};
  /** Base first. The topmost one is new; the others are in the store. */
  readonly layers: readonly {readonly mediaType: string; readonly digest: Digest; readonly size: number}[];
  /** The bytes of the topmost layer. */
  readonly region: FileRegion;
}

/** An image that is made here, as the place from which it comes into the store. */
export function newImageSource({manifestType, config, layers, region}: NewImage): ContentSource {
  const configuration = {mediaType: config.mediaType, digest: digestOf(config.bytes), size: config.bytes.length};
  const manifest = {schemaVersion: 2, mediaType: manifestType, config: configuration, layers};
  const name = region.path;
  const root = readDocument({bytes: Buffer.from(JSON.stringify(manifest)), where: `the image of ${name}`});
  return {
    name,
    rootDigest: async () => root.descriptor.digest,
    root: async () => root,
    document: async () => root,
    blob: ({digest}) => ({
      open: (offset, call) =>
        digest === configuration.digest ? piece(config.bytes, offset) : readRegion(region, offset, call),
    }),
    blobFile: () => null,
    referrers: async () => [],
    repositories: [],
    close: async () => {},
  };
}

async function* piece(bytes: Buffer, offset: number): AsyncGenerator<Buffer> {
  yield Buffer.from(bytes.subarray(offset));
}
