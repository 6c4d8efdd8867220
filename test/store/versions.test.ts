import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {join} from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';
import type {Digest} from '../../src/oci/digest.ts';
import {type Database, openDatabase, openDatabaseForReading} from '../../src/store/database.ts';
import {listDropped} from '../../src/store/dropped-blobs.ts';
import {listImages} from '../../src/store/image-records.ts';
import {readImageSizes} from '../../src/store/image-sizes.ts';
import {MIGRATIONS} from '../../src/store/schema.ts';
import {readShares} from '../../src/store/shares.ts';
import {listTagEvents} from '../../src/store/tag-events.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

const WRITER = fileURLToPath(new URL('database-writer.ts', import.meta.url));
const LATEST = MIGRATIONS.length;
const IMAGE = 'sha256:m' as Digest;
const OLDER = Array.from({length: LATEST - 1}, (_, index) => index + 1);

/** One image with a tag, as the given version has them; its log is in the database, as after a clean close. */
function makeVersion(path: string, version: number): void {
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode = WAL; ${MIGRATIONS[0]}
    INSERT INTO layer VALUES ('sha256:d', 90, 100, 3, 0, '{}');
    INSERT INTO chain VALUES ('sha256:d', 'sha256:d', NULL, 1);
    INSERT INTO image VALUES ('sha256:m', 'type', 1, 'sha256:c', 1, 'linux/amd64', NULL, 'sha256:d', 1, 1);
    INSERT INTO image_layer VALUES ('sha256:m', 0, 'sha256:b', 10, 'type', 'sha256:d');
    INSERT INTO tag VALUES ('r:1', 'sha256:i', 'sha256:m', 1)`);
  for (const sql of MIGRATIONS.slice(1, version)) database.exec(sql);
  database.exec(`PRAGMA user_version = ${version}`);
  database.close();
}

/** What every version says, older ones by stand-ins for what they lack. */
function requireContent(database: Database, images: number): void {
  assert.is(listImages(database).length, images);
  assert.equal(
    database.all('SELECT * FROM index_part').map((row) => ({...row})),
    [{index_digest: 'sha256:i', digest: 'sha256:m', kind: 'image'}],
  );
  assert.equal(listTagEvents(database, 'r:1'), [{targetDigest: 'sha256:i', manifestDigest: 'sha256:m', happenedAt: 1}]);
  assert.equal(listDropped(database), []);
  assert.equal(readImageSizes(database).get(IMAGE), {blobBytes: 10, unpackedBytes: 90});
  assert.equal(readShares(database).get(IMAGE), {sharedBytes: 0, uniqueBytes: 112});
}

/** The version as it is on disk, with its tables. */
function inspectFile(path: string) {
  const database = new DatabaseSync(path, {readOnly: true});
  const read = (sql: string) => Object.values(database.prepare(sql).get() ?? {})[0];
  const found = {
    version: Number(read('PRAGMA user_version')),
    tables: Number(read("SELECT count(*) FROM sqlite_master WHERE type = 'table'")),
    integrity: read('PRAGMA integrity_check'),
    images: Number(read('SELECT count(*) FROM image')),
  };
  database.close();
  return found;
}

async function writeElsewhere(words: readonly string[], within: readonly string[] = []): Promise<unknown> {
  const [program = '', ...rest] = [...within, process.execPath, WRITER, ...words];
  const child = spawn(program, rest, {stdio: ['ignore', 'ignore', 'inherit']});
  const [code, signal] = await once(child, 'exit');
  return signal ?? code;
}

const countTables = (version: number): number => {
  const database = new DatabaseSync(':memory:');
  for (const sql of MIGRATIONS.slice(0, version)) database.exec(sql);
  const row = database.prepare("SELECT count(*) AS tables FROM sqlite_master WHERE type = 'table'").get();
  database.close();
  return Number(row?.tables);
};

describe('store/versions', ({test}) => {
  for (const version of OLDER) {
    test(`S20 a store of version ${version} is read as it is, and brought up by the first write`, async () => {
      using directory = makeTemporaryDirectory();
      const path = join(directory.path, 'winch.db');
      makeVersion(path, version);
      const reader = openDatabaseForReading(path) ?? assert.unreachable();
      if (reader) requireContent(reader, 1);
      reader?.close();
      assert.is(inspectFile(path).version, version);
      const writer = await openDatabase(path, 'full');
      requireContent(writer, 1);
      writer.close();
      assert.is(inspectFile(path).version, LATEST);
    });
  }

  test('S20 processes that bring a store up at once do so once, and all of them write', async () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'winch.db');
    makeVersion(path, 1);
    const startAt = String(Date.now() + 700);
    const exits = await Promise.all(['a', 'b', 'c'].map((name) => writeElsewhere([path, name, startAt])));
    assert.equal(exits, [0, 0, 0]);
    assert.equal(inspectFile(path), {version: LATEST, tables: countTables(LATEST), integrity: 'ok', images: 4});
  });

  test(
    'S20 a store whose migration was killed is of the old version or of the new one, wherever that was',
    async () => {
      // The first eight make the index of the log; the frames of the migration follow, and its sync is the third.
      const blows = [10, 13, 16, 19, 22].map((count) => ['pwrite64', count] as const);
      const versions = await Promise.all(
        [...blows, ['fsync', 3] as const].map(async ([call, count]) => {
          using directory = makeTemporaryDirectory();
          const path = join(directory.path, 'winch.db');
          makeVersion(path, 1);
          const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:signal=KILL:when=${count}`];
          const within = ['strace', '-f', '-qq', '-o', '/dev/null', ...inject];
          assert.is(await writeElsewhere([path, 'app'], within), 'SIGKILL', `${call} ${count}`);
          const {version, tables, integrity} = inspectFile(path);
          assert.ok([1, LATEST].includes(version), `version ${version}`);
          assert.equal([tables, integrity], [countTables(version), 'ok']);
          const reader = openDatabaseForReading(path) ?? assert.unreachable();
          if (reader) requireContent(reader, 1);
          reader?.close();
          assert.is(await writeElsewhere([path, 'app']), 0);
          assert.is(inspectFile(path).images, 2);
          return version;
        }),
      );
      assert.ok(versions.includes(1));
    },
    {skip: missingFor('strace')},
  );
});
