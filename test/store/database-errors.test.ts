import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';
import {isWinchError} from '../../src/errors.ts';
import {openDatabase} from '../../src/store/database.ts';
import {databaseError} from '../../src/store/database-errors.ts';
import {listImages} from '../../src/store/image-records.ts';
import {openStore} from '../../src/store/store.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {addImage, digestFor} from './sample-graph.ts';

const HOLDER = fileURLToPath(new URL('database-holder.ts', import.meta.url));
/** As SQLite says it after its own wait of 30 s. */
const BUSY = Object.assign(new Error('database is locked'), {errcode: 5});

describe('store/database-errors', ({test}) => {
  test('S12 a locked database names the process that writes to it', async () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'winch.db');
    const database = await openDatabase(path, 'fast');
    const holder = spawn(process.execPath, [HOLDER, path], {stdio: ['ignore', 'pipe', 'inherit']});
    assert.is(String((await once(holder.stdout, 'data'))[0]), 'writing\n');
    const error = databaseError(BUSY, path);
    const exited = once(holder, 'exit');
    holder.kill('SIGKILL');
    await exited;
    assert.ok(isWinchError(error, 'STORE_LOCKED'));
    assert.match(
      error.message,
      new RegExp(`^the database is locked by pid ${holder.pid} \\(node, started \\d+ s ago\\)`),
    );
    const later = databaseError(BUSY, path);
    assert.ok(isWinchError(later, 'STORE_LOCKED'));
    assert.match(later.message, 'locked by another process');
    database.close();
  });

  test('S12 whoever waits for a writer that does not end gives up in time and names it, and readers do not wait', async () => {
    using directory = makeTemporaryDirectory();
    const store = openStore({root: join(directory.path, 'store'), durability: 'fast', busyTimeoutMs: 300});
    await store.write((database) => addImage(database, {name: 'app', layers: 'a'}));
    const holder = spawn(process.execPath, [HOLDER, store.paths.database], {stdio: ['ignore', 'pipe', 'inherit']});
    await once(holder.stdout, 'data');
    const [began, changes] = [performance.now(), [() => store.write(() => {}), () => store.collectGarbage()]];
    for (const change of changes) {
      const error = await rejectionOf(change());
      assert.equal([error.code, error.message.includes(`pid ${holder.pid} (node, `)], ['STORE_LOCKED', true]);
    }
    assert.ok(performance.now() - began >= 2 * 300);
    assert.is(store.read(listImages, []).length, 1);
    const lease = await store.lease();
    await lease.claim([digestFor('claimed')]);
    lease.release();
    const exited = once(holder, 'exit');
    holder.kill('SIGKILL');
    await exited;
    assert.is((await store.collectGarbage()).keptBytes, 0);
    store.close();
  });
});
