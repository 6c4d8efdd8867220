import type {Digest} from '../oci/digest.ts';
import {type AncestryRow, readAncestry} from '../store/graph.ts';
import type {ImageRecord} from '../store/image-records.ts';
import type {Store} from '../store/store.ts';
import {listTagsByImage, type TagRecord} from '../store/tags.ts';
import {requireStoredImage} from './find-image.ts';
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

/**
 * The forest of stored images, oldest roots first; or what one image is built on, and what is built on it: a line of
 * ancestors from the root down to the image, with all of its descendants. Images with the very layers of another have
 * the descendants of all of them.
 *
 * @param name Absent: all images.
 * @throws {WinchError} `IMAGE_UNKNOWN` | `IMAGE_AMBIGUOUS` | `REFERENCE_INVALID`
 */
export function readTree(store: Store, name?: string): readonly ImageTreeNode[] {
  const only = name === undefined ? null : requireStoredImage(store, name).image;
  return store.read((database) => {
    const rows = new Map(readAncestry(database).map((row) => [row.manifestDigest, row]));
    const byParent = Map.groupBy(rows.values(), ({parent}) => parent);
    const forest = {rows, byParent, tags: listTagsByImage(database)};
    return only ? lineOf(forest, only) : childrenOf(forest, null);
  }, []);
}

interface Forest {
  readonly rows: ReadonlyMap<Digest, AncestryRow>;
  readonly tags: ReadonlyMap<Digest, readonly TagRecord[]>;
  readonly byParent: ReadonlyMap<Digest | null, readonly AncestryRow[]>;
}

function lineOf(forest: Forest, {manifestDigest, chainId}: ImageRecord): readonly ImageTreeNode[] {
  const siblings = chainId === null ? [] : [...forest.rows.values()].filter((row) => row.chainId === chainId);
  const children = siblings.flatMap((sibling) => childrenOf(forest, sibling.manifestDigest));
  let line = nodesOf(forest, manifestDigest, children);
  for (let above = parentOf(forest, manifestDigest); above; above = parentOf(forest, above)) {
    line = nodesOf(forest, above, line);
  }
  return line;
}

const parentOf = ({rows}: Forest, image: Digest): Digest | null => rows.get(image)?.parent ?? null;

const childrenOf = (forest: Forest, parent: Digest | null): readonly ImageTreeNode[] =>
  (forest.byParent.get(parent) ?? []).flatMap(({manifestDigest}) =>
    nodesOf(forest, manifestDigest, childrenOf(forest, manifestDigest)),
  );

/** One node, or none for an image that is not there. */
function nodesOf(
  {rows, tags}: Forest,
  manifestDigest: Digest,
  children: readonly ImageTreeNode[],
): readonly ImageTreeNode[] {
  const row = rows.get(manifestDigest);
  if (!row) return [];
  const {configDigest, platform, layerCount, sharedBytes, uniqueBytes} = row;
  const references = (tags.get(manifestDigest) ?? []).map(familiarTag);
  return [{image: {imageId: configDigest, references}, platform, layerCount, sharedBytes, uniqueBytes, children}];
}
