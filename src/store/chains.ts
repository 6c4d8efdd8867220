import type {DirectoryMarks} from '../host/restore-directories.ts';
import type {Digest} from '../oci/digest.ts';
import type {Database, Row} from './database.ts';

/** A layer on top of a chain of layers. */
export interface ChainRecord {
  readonly chainId: Digest;
  readonly diffId: Digest;
  /** The chain below; null for a base. */
  readonly parent: Digest | null;
  /** Its layer file; null while the layer is only downloaded. */
  readonly file: {readonly fileBytes: number; readonly directories: DirectoryMarks} | null;
}

/** Every chain, those below before those on top of them. */
export const listChains = (database: Database): readonly ChainRecord[] =>
  database
    .all(
      `SELECT chain_id, chain.diff_id, parent, file_bytes, directories FROM chain LEFT JOIN layer USING (diff_id)
       ORDER BY depth, chain_id`,
    )
    .map((row) => ({
      chainId: row.chain_id as Digest,
      diffId: row.diff_id as Digest,
      parent: row.parent === null ? null : (row.parent as Digest),
      file: row.file_bytes === null ? null : fileOf(row),
    }));

const fileOf = (row: Row) => ({
  fileBytes: Number(row.file_bytes),
  directories: JSON.parse(String(row.directories)) as DirectoryMarks,
});
