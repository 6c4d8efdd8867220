import type {Digest} from '../oci/digest.ts';
import type {Database} from './database.ts';

/** A layer on top of a chain of layers. */
export interface ChainRecord {
  readonly chainId: Digest;
  readonly diffId: Digest;
  /** The chain below; null for a base. */
  readonly parent: Digest | null;
  /** Its layer file in bytes and entries; null while the layer is only downloaded. */
  readonly file: {readonly tarBytes: number; readonly entries: number} | null;
}

/** Every chain, those below before those on top of them. */
export const listChains = (database: Database): readonly ChainRecord[] =>
  database
    .all(
      `SELECT chain_id, chain.diff_id, parent, tar_bytes, entries FROM chain LEFT JOIN layer USING (diff_id)
       ORDER BY depth, chain_id`,
    )
    .map((row) => ({
      chainId: row.chain_id as Digest,
      diffId: row.diff_id as Digest,
      parent: row.parent === null ? null : (row.parent as Digest),
      file: row.tar_bytes === null ? null : {tarBytes: Number(row.tar_bytes), entries: Number(row.entries)},
    }));
