import {createHash} from 'node:crypto';
import {existsSync, lstatSync, readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {DatabaseSync} from 'node:sqlite';

/**
 * What is wrong with a store: every blob is hashed again, and every row is held against the disk.
 *
 * Shares no code with the store, and reads its database as anybody can.
 */
export function findStoreProblems(root: string): readonly string[] {
  const problems: string[] = [];
  const places = (name: string) =>
    list(join(root, name, 'sha256')).map((hex) => [hex, join(root, name, 'sha256', hex)]);
  for (const [hex = '', path = ''] of places('blobs')) {
    // A name that is no digest is what a killed process was writing.
    if (!/^[0-9a-f]{64}$/.test(hex)) continue;
    if (!lstatSync(path).isFile()) {
      problems.push(`blob ${hex} is no regular file`);
      continue;
    }
    const bytes = readFileSync(path);
    if (createHash('sha256').update(bytes).digest('hex') !== hex) problems.push(`blob ${hex} has another digest`);
  }
  const database = new DatabaseSync(join(root, 'winch.db'), {timeout: 5000});
  try {
    const rows = (sql: string) => database.prepare(sql).all() as Record<string, string | number>[];
    const pathOf = (name: string, digest: unknown) => join(root, name, String(digest).replace(':', '/'));
    const expectFile = (what: string, path: string, bytes: unknown) => {
      const size = existsSync(path) ? statSync(path).size : null;
      if (size === null || (bytes !== null && size !== bytes)) problems.push(`${what}: ${size} bytes, not ${bytes}`);
    };
    for (const {integrity_check: said} of rows('PRAGMA integrity_check'))
      if (said !== 'ok') problems.push(String(said));
    for (const row of rows('PRAGMA foreign_key_check')) problems.push(`foreign key: ${JSON.stringify(row)}`);
    for (const image of rows('SELECT * FROM image')) {
      expectFile('manifest', pathOf('blobs', image.manifest_digest), image.manifest_bytes);
      expectFile('config', pathOf('blobs', image.config_digest), image.config_bytes);
    }
    for (const {target_digest: target} of rows('SELECT * FROM tag')) expectFile('tag', pathOf('blobs', target), null);
    const dropped = new Set(rows('SELECT digest FROM dropped_blob').map(({digest}) => digest));
    for (const layer of rows('SELECT * FROM image_layer')) {
      // What was dropped on purpose may be gone, and may be there again.
      if (dropped.has(layer.blob_digest ?? '') && !existsSync(pathOf('blobs', layer.blob_digest))) continue;
      expectFile('blob', pathOf('blobs', layer.blob_digest), layer.blob_bytes);
    }
    problems.push(...sizeProblems(rows));
    for (const layer of rows('SELECT * FROM layer')) {
      const path = join(pathOf('layers', layer.diff_id), 'layer.erofs');
      expectFile('layer', path, layer.file_bytes);
      if (existsSync(path)) problems.push(...tarProblems(path, layer));
      const extracted = join(pathOf('layers', layer.diff_id), 'fs');
      if (existsSync(extracted) && !existsSync(join(extracted, 'complete')))
        problems.push(`${extracted} is not complete`);
    }
  } finally {
    database.close();
  }
  return problems;
}

/** The sums that are kept of each image's layers. */
function sizeProblems(rows: (sql: string) => readonly Record<string, string | number | null>[]): string[] {
  const files = new Map(rows('SELECT * FROM layer').map((row) => [row.diff_id, row]));
  const diffIds = new Map(rows('SELECT * FROM chain').map((row) => [row.chain_id, row.diff_id]));
  const images = Map.groupBy(rows('SELECT * FROM image_layer'), (row) => row.manifest_digest);
  const expected = [...images].map(([image, layers]) => {
    const own = layers.map(({chain_id: chain}) => files.get(diffIds.get(chain) ?? ''));
    const sum = (values: readonly unknown[]) => values.reduce((total: number, value) => total + Number(value ?? 0), 0);
    const tarBytes = own.includes(undefined) ? null : sum(own.map((file) => file?.tar_bytes));
    return [image, sum(layers.map((row) => row.blob_bytes)), sum(own.map((file) => file?.file_bytes)), tarBytes].join();
  });
  const noted = rows('SELECT * FROM image_size').map((row) =>
    [row.manifest_digest, row.blob_bytes, row.file_bytes, row.tar_bytes].join(),
  );
  return [
    ...expected.filter((sizes) => !noted.includes(sizes)).map((sizes) => `sizes of an image should be ${sizes}`),
    ...noted.filter((sizes) => !expected.includes(sizes)).map((sizes) => `sizes of an image are ${sizes}`),
  ];
}

const EROFS_HEAD_BYTES = 4096;

/** The tar lies behind the head of the file. */
function tarProblems(path: string, {diff_id: diffId, tar_bytes: bytes}: Record<string, string | number>): string[] {
  const tar = readFileSync(path).subarray(EROFS_HEAD_BYTES, EROFS_HEAD_BYTES + Number(bytes));
  const digest = `sha256:${createHash('sha256').update(tar).digest('hex')}`;
  return digest === diffId ? [] : [`layer ${diffId} holds a tar of another digest: ${digest}`];
}

function list(directory: string): readonly string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}

// As a program, for a store that only other mount namespaces see: prints the problems, one a line.
if (import.meta.main) {
  for (const problem of findStoreProblems(process.argv[2] ?? '')) process.stdout.write(`${problem}\n`);
}
