import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';
import {isWinchError} from '../../src/errors.ts';
import {openDatabase} from '../../src/store/database.ts';
import {databaseError} from '../../src/store/database-errors.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

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
});
