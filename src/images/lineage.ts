import type {Digest} from '../oci/digest.ts';
import type {Database} from '../store/database.ts';
import {readDescent} from '../store/graph.ts';

export interface Lineage {
  readonly parent: Digest | null;
  readonly children: readonly Digest[];
}

/**
 * The parent and the direct children of an image in the graph of shared chains, as manifest digests. What is built on an
 * image is built on every other one with the very same layers.
 */
export function readLineage(database: Database, manifestDigest: Digest): Lineage {
  const descent = readDescent(database);
  const siblings = new Set(database.tuples(SIBLINGS, manifestDigest).map(([digest]) => digest));
  return {
    parent: descent.find((row) => row.manifestDigest === manifestDigest)?.parent ?? null,
    children: descent.filter(({parent}) => parent && siblings.has(parent)).map((row) => row.manifestDigest),
  };
}

/** The image itself among them. */
const SIBLINGS = `
  SELECT manifest_digest FROM image
  WHERE chain_id = (SELECT chain_id FROM image AS own WHERE own.manifest_digest = ?)`;
