import type {Digest} from '../oci/digest.ts';
import type {Database} from '../store/database.ts';
import {type AncestryRow, readAncestry} from '../store/graph.ts';
import {findImage} from '../store/image-records.ts';
import type {Store} from '../store/store.ts';
import {type ImageName, nameImage} from './inspect.ts';

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
    const byParent = Map.groupBy(readAncestry(database), (row) => row.parent);
    return childrenOf(database, byParent, null);
  }, []);

type ByParent = ReadonlyMap<Digest | null, readonly AncestryRow[]>;

const childrenOf = (database: Database, byParent: ByParent, parent: Digest | null): readonly ImageTreeNode[] =>
  (byParent.get(parent) ?? []).map((row) => {
    const image = findImage(database, row.manifestDigest);
    return {
      image: nameImage(database, row.manifestDigest),
      platform: image?.platform ?? '',
      layerCount: image?.layerCount ?? 0,
      sharedBytes: row.sharedBytes,
      uniqueBytes: row.uniqueBytes,
      children: childrenOf(database, byParent, row.manifestDigest),
    };
  });
