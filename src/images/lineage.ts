import type {Digest} from '../oci/digest.ts';
import type {Database} from '../store/database.ts';
import {readDescent} from '../store/graph.ts';

export interface Lineage {
  readonly parent: Digest | null;
  readonly children: readonly Digest[];
}

/** The parent and the direct children of an image in the graph of shared chains, as manifest digests. */
export function readLineage(database: Database, manifestDigest: Digest): Lineage {
  const descent = readDescent(database);
  return {
    parent: descent.find((row) => row.manifestDigest === manifestDigest)?.parent ?? null,
    children: descent.filter((row) => row.parent === manifestDigest).map((row) => row.manifestDigest),
  };
}
