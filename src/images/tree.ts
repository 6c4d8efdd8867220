import type {Digest} from '../oci/digest.ts';
import {type AncestryRow, readAncestry} from '../store/graph.ts';
import {type ImageRecord, listImages} from '../store/image-records.ts';
import type {Store} from '../store/store.ts';
import {listTagsByImage, type TagRecord} from '../store/tags.ts';
import {familiarTag, type ImageName} from './inspect.ts';

/** An image and those that extend its whole chain of layers. */
export interface ImageTreeNode {
  readonly image: ImageName;
  readonly platform: string;
  readonly layerCount: number;
  /** Bytes on disk (blobs and layer files) that some other image uses as well. */
  readonly sharedBytes: number;
  /** Bytes on disk that removing this image alone would free. */
  readonly uniqueBytes: number;
  readonly children: readonly ImageTreeNode[];
}

/** The forest of stored images, oldest roots first. */
export const readTree = (store: Store): readonly ImageTreeNode[] =>
  store.read((database) => {
    const images = new Map(listImages(database).map((image) => [image.manifestDigest, image]));
    const tags = listTagsByImage(database);
    const byParent = Map.groupBy(readAncestry(database), (row) => row.parent);
    return childrenOf({images, tags, byParent}, null);
  }, []);

interface Forest {
  readonly images: ReadonlyMap<Digest, ImageRecord>;
  readonly tags: ReadonlyMap<Digest, readonly TagRecord[]>;
  readonly byParent: ReadonlyMap<Digest | null, readonly AncestryRow[]>;
}

const childrenOf = (forest: Forest, parent: Digest | null): readonly ImageTreeNode[] =>
  (forest.byParent.get(parent) ?? []).flatMap(({manifestDigest, sharedBytes, uniqueBytes}) => {
    const image = forest.images.get(manifestDigest);
    if (!image) return [];
    const references = (forest.tags.get(manifestDigest) ?? []).map(familiarTag);
    return [
      {
        image: {imageId: image.configDigest, references},
        platform: image.platform,
        layerCount: image.layerCount,
        sharedBytes,
        uniqueBytes,
        children: childrenOf(forest, manifestDigest),
      },
    ];
  });
