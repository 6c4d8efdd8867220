import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';
import {isWinchError} from '../../src/errors.ts';
import {type Database, openDatabase, openDatabaseForReading} from '../../src/store/database.ts';
import {listDropped} from '../../src/store/dropped-blobs.ts';
import {listImages} from '../../src/store/image-records.ts';
import {MIGRATIONS} from '../../src/store/schema.ts';
import {listTagEvents} from '../../src/store/tag-events.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {missingFor} from '../helpers/requires.ts';
import {runOnDisk} from '../helpers/run-on-disk.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {addImage} from './sample-graph.ts';

const WRITER = fileURLToPath(new URL('database-writer.ts', import.meta.url));
const PROGRAM = new URL('database-program.ts', import.meta.url);
const skip = missingFor('unshare', 'mount');

describe('store/database', ({test}) => {
  const withPath = async (use: (path: string) => unknown) => {
    using directory = makeTemporaryDirectory();
    await use(join(directory.path, 'winch.db'));
  };
  const write = async (path: string, work: (database: Database) => unknown) => {
    const database = await openDatabase(path, 'fast');
    try {
      work(database);
    } finally {
      database.close();
    }
  };
  const countImages = (path: string): number | null => {
    const database = openDatabaseForReading(path);
    const count = database && listImages(database).length;
    database?.close();
    return count;
  };
  const writeElsewhere = async (path: string, name: string, ...more: readonly string[]) => {
    const child = spawn(process.execPath, [WRITER, path, name, ...more], {stdio: 'inherit'});
    const [code, signal] = await once(child, 'exit');
    return signal ?? code;
  };
  const codeOf = (work: () => unknown): string => {
    try {
      work();
    } catch (error) {
      if (isWinchError(error)) return error.code;
      throw error;
    }
    return 'done';
  };

  test('a transaction that changes nothing still makes durable what passing ones before it have changed', () =>
    withPath(async (path) => {
      const database = await openDatabase(path, 'full');
      const logged = () => statSync(`${path}-wal`).size;
      database.passingTransaction(() => addImage(database, {name: 'app', layers: 'a'}));
      const before = logged();
      database.transaction(() => {});
      const after = logged();
      assert.ok(after > before);
      database.transaction(() => {});
      assert.is(logged(), after);
      database.close();
    }));

  test('is made with its directory, for its owner alone, in one file when closed', () =>
    withPath(async (path) => {
      const below = join(path, 'store/winch.db');
      await write(below, (database) => addImage(database, {name: 'app', layers: 'ab'}));
      assert.is(statSync(path).mode & 0o777, 0o700);
      assert.equal(readdirSync(join(path, 'store')), ['winch.db']);
      assert.is(countImages(below), 1);
    }));

  test('reading makes nothing', () =>
    withPath((path) => {
      assert.is(countImages(path), null);
      assert.not.ok(existsSync(path));
      writeFileSync(path, '');
      assert.is(countImages(path), null);
      assert.equal(statSync(path).size, 0);
    }));

  test('a transaction that throws changes nothing, and the next one works', () =>
    withPath((path) =>
      write(path, (database) => {
        const failure = new Error('no');
        const failing = () =>
          database.transaction(() => {
            addImage(database, {name: 'one', layers: 'a'});
            throw failure;
          });
        assert.throws(failing, (error: unknown) => error === failure);
        assert.equal(listImages(database), []);
        database.transaction(() => addImage(database, {name: 'two', layers: 'a'}));
        assert.is(listImages(database).length, 1);
      }),
    ));

  test('queries of one snapshot see one state beside another writer', () =>
    withPath(async (path) => {
      const writer = await openDatabase(path, 'fast');
      const reader = openDatabaseForReading(path) ?? assert.unreachable();
      reader?.snapshot(() => {
        assert.is(reader.get('SELECT count(*) AS images FROM image')?.images, 0);
        addImage(writer, {name: 'app', layers: 'a'});
        assert.is(reader.get('SELECT count(*) AS images FROM image')?.images, 0);
      });
      assert.is(reader?.get('SELECT count(*) AS images FROM image')?.images, 1);
      const nested = writer.transaction(() => writer.snapshot(() => 'within'));
      assert.is(nested, 'within');
      reader?.close();
      writer.close();
    }));

  test('processes that start at once make one database and lose nothing', () =>
    withPath(async (path) => {
      const startAt = String(Date.now() + 700);
      const names = ['a', 'b', 'c', 'd'];
      assert.equal(await Promise.all(names.map((name) => writeElsewhere(path, name, startAt))), [0, 0, 0, 0]);
      assert.is(countImages(path), 4);
    }));

  test('waits for another process that is making the database', () =>
    withPath(async (path) => {
      const other = new DatabaseSync(path);
      other.exec('BEGIN IMMEDIATE');
      const opening = openDatabase(path, 'fast');
      await sleep(50);
      other.exec('COMMIT');
      other.close();
      (await opening).close();
    }));

  test('what was committed survives kill -9', () =>
    withPath(async (path) => {
      assert.is(await writeElsewhere(path, 'app', '0', 'kill'), 'SIGKILL');
      assert.ok(statSync(`${path}-wal`).size > 0);
      assert.is(countImages(path), 1);
      await write(path, (database) => addImage(database, {name: 'other', layers: 'b'}));
      assert.is(countImages(path), 2);
    }));

  test('a later version is neither read nor changed', () =>
    withPath(async (path) => {
      await write(path, (database) => database.run(`PRAGMA user_version = ${MIGRATIONS.length + 1}`));
      const before = statSync(path).size;
      assert.is((await rejectionOf(openDatabase(path, 'fast'))).code, 'STORE_NEWER');
      assert.is(
        codeOf(() => openDatabaseForReading(path)),
        'STORE_NEWER',
      );
      assert.is(statSync(path).size, before);
    }));

  const makeOlder = (path: string) => {
    const other = new DatabaseSync(path);
    other.exec(`PRAGMA journal_mode = WAL; ${MIGRATIONS[0]}`);
    other.exec(`PRAGMA user_version = 1;
      INSERT INTO image VALUES ('sha256:m', 'type', 1, 'sha256:c', 1, 'linux/amd64', NULL, NULL, 0, 1);
      INSERT INTO tag VALUES ('r:1', 'sha256:i', 'sha256:m', 1)`);
    other.close();
  };

  test('an older version is read as it is, and brought up by the first write', () =>
    withPath(async (path) => {
      makeOlder(path);
      const before = readFileSync(path);
      const reader = openDatabaseForReading(path);
      if (!reader) throw new Error('it is not there');
      assert.is(listImages(reader).length, 1);
      const parts = [{index_digest: 'sha256:i', digest: 'sha256:m', kind: 'image'}];
      const readParts = (database: Database) => database.all('SELECT * FROM index_part').map((row) => ({...row}));
      assert.equal(readParts(reader), parts);
      const events = [{targetDigest: 'sha256:i', manifestDigest: 'sha256:m', happenedAt: 1}];
      assert.equal(listTagEvents(reader, 'r:1'), events);
      assert.equal(listDropped(reader), []);
      reader.close();
      assert.equal(readFileSync(path), before);
      await write(path, (database) => {
        assert.equal(readParts(database), parts);
        assert.equal(listTagEvents(database, 'r:1'), events);
      });
      assert.is(countImages(path), 1);
    }));

  test(
    'an older version is read where it cannot be written',
    async () => {
      using directory = makeTemporaryDirectory();
      using disk = makeTemporaryDirectory();
      const path = join(directory.path, 'winch.db');
      makeOlder(path);
      const prepare = `cp ${path} . && mount -o remount,ro .`;
      const found = runOnDisk(PROGRAM, {directory: disk.path, options: 'size=1m', prepare});
      assert.equal(found, {read: 1, written: 'STORE_DENIED'});
    },
    {skip},
  );

  test('a failed migration leaves an empty database', () =>
    withPath(async (path) => {
      const other = new DatabaseSync(path);
      other.exec('CREATE TABLE tag (x)');
      other.close();
      assert.match((await rejectionOf(openDatabase(path, 'fast'))).message, 'already exists');
      const after = new DatabaseSync(path);
      assert.equal(after.prepare('SELECT count(*) AS tables FROM sqlite_master').get()?.tables, 1);
      after.close();
    }));

  test('garbage in the place of the database is a damaged store', () =>
    withPath(async (path) => {
      writeFileSync(path, 'no database at all, but long enough to look at '.repeat(100));
      assert.is((await rejectionOf(openDatabase(path, 'fast'))).code, 'STORE_CORRUPT');
      assert.is(
        codeOf(() => openDatabaseForReading(path)),
        'STORE_CORRUPT',
      );
    }));

  test('a database cut short is a damaged store', () =>
    withPath(async (path) => {
      await write(path, (database) => addImage(database, {name: 'app', layers: 'ab'}));
      truncateSync(path, 8192);
      assert.is(
        codeOf(() => countImages(path)),
        'STORE_CORRUPT',
      );
    }));

  test('a directory in its place cannot be opened', () =>
    withPath(async (path) => {
      await write(join(path, 'inner.db'), () => {});
      assert.is((await rejectionOf(openDatabase(path, 'fast'))).code, 'STORE_DENIED');
    }));

  test(
    'can be read on a read-only file system, and says why not written',
    async () => {
      using directory = makeTemporaryDirectory();
      using disk = makeTemporaryDirectory();
      const path = join(directory.path, 'winch.db');
      await write(path, (database) => addImage(database, {name: 'app', layers: 'a'}));
      const prepare = `cp ${path} . && mount -o remount,ro .`;
      const found = runOnDisk(PROGRAM, {directory: disk.path, options: 'size=1m', prepare});
      assert.equal(found, {read: 1, written: 'STORE_DENIED'});
    },
    {skip},
  );

  test(
    'does not pass over writes that only the log has, where it cannot be replayed',
    async () => {
      using directory = makeTemporaryDirectory();
      using disk = makeTemporaryDirectory();
      const path = join(directory.path, 'winch.db');
      assert.is(await writeElsewhere(path, 'app', '0', 'kill'), 'SIGKILL');
      const prepare = `cp ${path} ${path}-wal . && mount -o remount,ro .`;
      const found = runOnDisk(PROGRAM, {directory: disk.path, options: 'size=1m', prepare});
      assert.equal(found, {read: 'STORE_READ_ONLY', written: 'STORE_DENIED'});
    },
    {skip},
  );

  test(
    'a full disk refuses a write by name',
    () => {
      using disk = makeTemporaryDirectory();
      const found = runOnDisk(PROGRAM, {directory: disk.path, options: 'size=16k'});
      assert.equal(found, {read: null, written: 'STORE_FULL'});
    },
    {skip},
  );
});
