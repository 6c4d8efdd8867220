import type {Digest} from '../oci/digest.ts';
import type {Database} from '../store/database.ts';
import {readAncestry} from '../store/graph.ts';

export interface Lineage {
  readonly parent: Digest | null;
  readonly children: readonly Digest[];
}

/** The parent and the direct children of an image in the graph of shared chains, as manifest digests. */
export function readLineage(database: Database, manifestDigest: Digest): Lineage {
  const ancestry = readAncestry(database);
  return {
    parent: ancestry.find((row) => row.manifestDigest === manifestDigest)?.parent ?? null,
    children: ancestry.filter((row) => row.parent === manifestDigest).map((row) => row.manifestDigest),
  };
}
